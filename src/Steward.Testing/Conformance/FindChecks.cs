using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class FindChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Find_All_IsNewestFirst),
        ConformanceCheck.Of(Find_StartedAtTheSameMoment_IsNewestFirst),
        ConformanceCheck.Of(Find_Limit_TakesTheNewest),
        ConformanceCheck.Of(Find_EachFilter_SelectsItsRuns),
        ConformanceCheck.Of(Find_Runs_SelectsThoseThatThereAre),
        ConformanceCheck.Of(Find_Statuses_SelectsAnyOfThem),
        ConformanceCheck.Of(Find_FiltersTogether_AllHold),
        ConformanceCheck.Of(Find_Labels_SelectsRunsThatBearThemAll),
        ConformanceCheck.Of(Find_LabelsOfAnyText_ComeBackAsTheyWere),
        ConformanceCheck.Of(Find_LabelsOfAChildAndOfAClaim_AreTheirRuns),
        ConformanceCheck.Of(Find_UnusableLabels_AreRefused),
        ConformanceCheck.Of(Find_RunOfAnotherTenant_IsEmpty),
        ConformanceCheck.Of(Find_UnknownRun_IsEmpty),
        ConformanceCheck.Of(Find_RootsOnly_LeavesChildrenOut),
    ];

    private static async Task Find_All_IsNewestFirst(Scene s)
    {
        RunId[] runs = await ManyAsync(s, 5, TimeSpan.FromSeconds(1));
        await FindsAsync(s, new RunQuery(), runs.Reverse());
    }

    // The ids of one millisecond are in no order; the order of starting is.
    private static async Task Find_StartedAtTheSameMoment_IsNewestFirst(Scene s)
    {
        RunId[] runs = await ManyAsync(s, 8, TimeSpan.Zero);
        await FindsAsync(s, new RunQuery(), runs.Reverse());
    }

    private static async Task Find_Limit_TakesTheNewest(Scene s)
    {
        RunId[] runs = await ManyAsync(s, 5, TimeSpan.FromSeconds(1));
        await FindsAsync(s, new RunQuery { Limit = 2 }, [runs[4], runs[3]]);
        await FindsAsync(s, new RunQuery { Limit = 0 }, []);
    }

    private static async Task Find_EachFilter_SelectsItsRuns(Scene s)
    {
        Subject one = await s.StartedAsync("acme", "support", "a");
        Subject two = await s.StartedAsync("acme", "sales", "b");
        Subject three = await s.StartedAsync("globex", "support", "b");
        await FindsAsync(s, new RunQuery { Tenant = "acme" }, [two.Id, one.Id]);
        await FindsAsync(s, new RunQuery { Tenant = "ACME" }, []);
        await FindsAsync(s, new RunQuery { Agent = "support" }, [three.Id, one.Id]);
        await FindsAsync(s, new RunQuery { Session = "b" }, [three.Id, two.Id]);
        await FindsAsync(s, new RunQuery { Run = two.Id }, [two.Id]);
        await FindsAsync(s, new RunQuery { Agent = "none" }, []);
    }

    private static async Task Find_Runs_SelectsThoseThatThereAre(Scene s)
    {
        RunId[] runs = await ManyAsync(s, 600, TimeSpan.Zero);
        Subject other = await s.StartedAsync("globex");
        await FindsAsync(s, new RunQuery { Runs = [runs[0], RunId.New(s.Host.Time), other.Id, runs[2]] }, [other.Id, runs[2], runs[0]]);
        await FindsAsync(s, new RunQuery { Runs = [runs[0], other.Id], Tenant = "globex" }, [other.Id]);
        await FindsAsync(s, new RunQuery { Runs = [] }, []);
        await FindsAsync(s, new RunQuery { Runs = runs, Limit = 1_000 }, runs.Reverse());
    }

    private static async Task Find_Statuses_SelectsAnyOfThem(Scene s)
    {
        Subject planning = await s.StartedAsync();
        Subject executing = await s.ClaimedAsync();
        await executing.CommitAsync(Scene.Fact());
        Subject parked = await s.ClaimedAsync();
        await parked.CommitAsync(parked.Parked());
        Subject ended = await s.ClaimedAsync();
        await ended.CommitAsync(ended.Ended());
        await FindsAsync(s, new RunQuery { Statuses = [RunStatus.Awaiting] }, [parked.Id]);
        await FindsAsync(s, new RunQuery { Statuses = [RunStatus.Planning, RunStatus.Completed] }, [ended.Id, planning.Id]);
        await FindsAsync(s, new RunQuery { Statuses = [RunStatus.Executing, RunStatus.Failed] }, [executing.Id]);
        await FindsAsync(s, new RunQuery { Statuses = [] }, []);
    }

    private static async Task Find_FiltersTogether_AllHold(Scene s)
    {
        Subject match = await s.StartedAsync("acme", "support", "a");
        await s.StartedAsync("acme", "support", "b");
        await s.StartedAsync("acme", "sales", "a");
        await s.StartedAsync("globex", "support", "a");
        await FindsAsync(
            s,
            new RunQuery { Tenant = "acme", Agent = "support", Session = "a", Statuses = [RunStatus.Planning] },
            [match.Id]);
        await FindsAsync(s, new RunQuery { Tenant = "acme", Agent = "support", Session = "a", Statuses = [RunStatus.Failed] }, []);
    }

    private static async Task Find_Labels_SelectsRunsThatBearThemAll(Scene s)
    {
        Subject bare = await s.StartedAsync();
        Subject one = await LabelledAsync(s, null, ("ticket", "991"));
        Subject two = await LabelledAsync(s, "a", ("ticket", "991"), ("team", "blue"));
        Subject three = await LabelledAsync(s, null, ("ticket", "99"), ("team", "blue"));
        await FindsAsync(s, With(("ticket", "991")), [two.Id, one.Id]);
        await FindsAsync(s, With(("team", "blue")), [three.Id, two.Id]);
        await FindsAsync(s, With(("team", "blue"), ("ticket", "991")), [two.Id]);
        await FindsAsync(s, With(("ticket", "")), []);
        await FindsAsync(s, With(("ticket", "9911")), []);
        await FindsAsync(s, With(("Ticket", "991")), []);
        await FindsAsync(s, With(("team", "Blue")), []);
        await FindsAsync(s, With(("team", "991")), []);
        await FindsAsync(s, With(), [three.Id, two.Id, one.Id, bare.Id]);
        await FindsAsync(s, With(("team", "blue")) with { Session = "a" }, [two.Id]);
        await FindsAsync(s, With(("team", "blue")) with { Limit = 1 }, [three.Id]);
        Expect.Sequence(["team=blue", "ticket=991"], Shown(await s.InfoAsync(two.Id)));
        Expect.Equal(0, (await s.InfoAsync(bare.Id)).Labels.Count);
    }

    private static async Task Find_LabelsOfAnyText_ComeBackAsTheyWere(Scene s)
    {
        (string, string)[] odd =
        [
            ("a.b/c-d_e", "'; DROP TABLE run; --"), ("quote", "\"\\{}[]"),
            ("letters", "Grüße, 世界 🙂"), ("number", "1e3"), ("empty", ""), ("7", " "),
        ];
        Subject run = await LabelledAsync(s, null, odd);
        foreach ((string, string) label in odd)
            await FindsAsync(s, With(label), [run.Id]);
        await FindsAsync(s, With(odd), [run.Id]);
        await FindsAsync(s, With(("number", "1000")), []);
        Expect.Sequence(odd.Select(l => $"{l.Item1}={l.Item2}").Order(StringComparer.Ordinal), Shown(await s.InfoAsync(run.Id)));
    }

    private static async Task Find_LabelsOfAChildAndOfAClaim_AreTheirRuns(Scene s)
    {
        Subject parent = await LabelledAsync(s, null, ("ticket", "991"));
        Expect.Sequence(["ticket=991"], Shown((await parent.ClaimAsync()).Info));
        RunStart start = Labelled(s, s.Child(parent.Id), ("ticket", "992"));
        await parent.CommitAsync(parent.Batch(Scene.Fact("child")) with { Starts = [start] });
        await FindsAsync(s, With(("ticket", "992")), [start.Run]);
        await FindsAsync(s, With(("ticket", "991")), [parent.Id]);
        Expect.Sequence(["ticket=991"], Shown(await s.InfoAsync(parent.Id)));
    }

    private static async Task Find_UnusableLabels_AreRefused(Scene s)
    {
        (string Name, string Value)[] unusable =
            [("", "x"), ("a b", "x"), ("name", "a\0b"), ("name", new string('x', Labels.MaxValue + 1))];
        foreach ((string Name, string Value) label in unusable)
        {
            await Expect.ThrowsAsync<ArgumentException>(() => s.Store.FindAsync(With(label), s.Token).AsTask());
            await Expect.ThrowsAsync<ArgumentException>(() => s.Store.StartAsync(Labelled(s, s.Start(), label), s.Token).AsTask());
        }

        await FindsAsync(s, new RunQuery(), []);
    }

    private static Task<Subject> LabelledAsync(Scene s, string? session, params (string Name, string Value)[] labels) =>
        s.StartedAsync(Labelled(s, s.Start(session: session), labels));

    private static RunStart Labelled(Scene s, RunStart start, params (string Name, string Value)[] labels)
    {
        RunStarted started = start.Started with { Labels = labels.ToDictionary(l => l.Name, l => l.Value) };
        return start with { Entry = JournalEntry.Create(start.Run, 1, JournalEntry.Origin, started, s.Now) };
    }

    private static RunQuery With(params (string Name, string Value)[] labels) =>
        new() { Labels = labels.ToDictionary(l => l.Name, l => l.Value) };

    private static IEnumerable<string> Shown(RunInfo run) => run.Labels.Select(l => $"{l.Key}={l.Value}").Order(StringComparer.Ordinal);

    private static async Task Find_RunOfAnotherTenant_IsEmpty(Scene s)
    {
        Subject run = await s.StartedAsync("acme");
        await FindsAsync(s, new RunQuery { Run = run.Id, Tenant = "globex" }, []);
        await FindsAsync(s, new RunQuery { Run = run.Id, Tenant = "acme" }, [run.Id]);
    }

    private static async Task Find_UnknownRun_IsEmpty(Scene s)
    {
        await s.StartedAsync();
        await FindsAsync(s, new RunQuery { Run = RunId.New(s.Host.Time) }, []);
    }

    private static async Task Find_RootsOnly_LeavesChildrenOut(Scene s)
    {
        Subject first = await s.ClaimedAsync(session: "chat");
        List<RunId> children = [];
        for (int i = 0; i < 3; i++)
            children.Add((await s.ChildAsync(first, session: "chat")).Id);
        Subject second = await s.StartedAsync(session: "chat");
        await FindsAsync(s, new RunQuery { Session = "chat", RootsOnly = true }, [second.Id, first.Id]);
        await FindsAsync(s, new RunQuery { Session = "chat", RootsOnly = true, Limit = 1 }, [second.Id]);
        await FindsAsync(s, new RunQuery { Session = "chat" }, [second.Id, .. Enumerable.Reverse(children), first.Id]);
        await FindsAsync(s, new RunQuery { Parent = first.Id, RootsOnly = true }, []);
    }

    private static async Task<RunId[]> ManyAsync(Scene s, int count, TimeSpan apart)
    {
        var runs = new RunId[count];
        for (int i = 0; i < count; i++)
        {
            runs[i] = (await s.StartedAsync()).Id;
            await s.AdvanceAsync(apart);
        }

        return runs;
    }

    private static async Task FindsAsync(Scene s, RunQuery query, IEnumerable<RunId> expected) =>
        Expect.Sequence(expected, (await s.Store.FindAsync(query, s.Token)).Select(r => r.Run), query.ToString());
}
