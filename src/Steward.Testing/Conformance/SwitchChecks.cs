using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class SwitchChecks
{
    private static readonly (string Name, Func<Subject, string> Scope)[] s_scopes =
    [
        ("Global", _ => "global"),
        ("Tenant", _ => "tenant:acme"),
        ("Agent", _ => "agent:support"),
        ("Run", run => $"run:{run.Id}"),
    ];

    public static IEnumerable<ConformanceCheck> All =>
    [
        .. s_scopes.Select(
            scope => ConformanceCheck.Of($"Switch_{scope.Name}_KillsEffectsButNotFacts", s => KillsEffectsAsync(s, scope.Scope))),
        .. s_scopes.Skip(1).Select(
            scope => ConformanceCheck.Of($"Switch_{scope.Name}_SparesOthers", s => SparesOthersAsync(s, scope.Scope))),
        .. s_scopes.Select(
            scope => ConformanceCheck.Of($"Switch_{scope.Name}_KeepsRunsFromBeingClaimed", s => KeepsFromClaimsAsync(s, scope.Scope))),
        ConformanceCheck.Of(Switch_Killed_LeavesNothingBehind),
        ConformanceCheck.Of(Switch_Signalled_RunIsClaimableAllTheSame),
        ConformanceCheck.Of(Switch_Released_EffectsStartAgain),
        ConformanceCheck.Of(Switch_Released_ParkedRunsWake),
        ConformanceCheck.Of(Switch_ReleasedOneOfTwo_OtherStillHolds),
        ConformanceCheck.Of(Switch_Released_EndedRunsStayEnded),
        ConformanceCheck.Of(Switch_EngagedTwice_IsFalseAndKeepsTheFirst),
        ConformanceCheck.Of(Switch_ReleasedTwice_IsFalse),
        ConformanceCheck.Of(Switch_Engaged_IsListed),
        ConformanceCheck.Of(Switch_NoSuchScope_IsRefused),
        ConformanceCheck.Of(Switch_RunIdInAnotherForm_HoldsAllTheSame),
        ConformanceCheck.Of(Switch_Engaged_IsToldByWatch),
        ConformanceCheck.Of(Switch_StaleWorker_IsFencedFirst),
        ConformanceCheck.Of(Switch_Engaged_RunsCanBeStartedAndSignalled),
        ConformanceCheck.Of(Switch_EngagedUnderLoad_NothingStartsAfter),
    ];

    private static async Task KillsEffectsAsync(Scene s, Func<Subject, string> scope)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Effect());
        await s.EngageAsync(scope(run));
        var killed = Expect.Is<AppendResult.Killed>(await run.AppendAsync(run.Effect()));
        Expect.Equal(new KillSwitch(scope(run), "olga", "drill", s.Now), killed.Switch);
        await run.UnchangedAsync();
        await run.CommitAsync(Scene.Fact("what was in flight came back"));
        await run.CommitAsync(run.Ended());
    }

    private static async Task SparesOthersAsync(Scene s, Func<Subject, string> scope)
    {
        Subject run = await s.ClaimedAsync();
        Subject other = await s.ClaimedAsync("globex", "sales");
        await s.EngageAsync(scope(run));
        Expect.Is<AppendResult.Killed>(await run.AppendAsync(run.Effect()));
        await other.CommitAsync(other.Effect());
    }

    private static async Task KeepsFromClaimsAsync(Scene s, Func<Subject, string> scope)
    {
        Subject run = await s.StartedAsync();
        await s.EngageAsync(scope(run));
        Expect.Equal(null, await s.ClaimAsync());
        Expect.Equal(null, await s.ClaimAsync(run.Id));
        await s.Store.ReleaseAsync(scope(run), s.Token);
        Expect.NotNull(await s.ClaimAsync());
    }

    private static async Task Switch_Killed_LeavesNothingBehind(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.SignalAsync(run.Id, "s1");
        await s.EngageAsync("global");
        RunBatch batch = run.Effect(new BudgetAmount(1, 1, 1, 1)) with
        {
            Consumes = ["s1"],
            Release = new RunRelease(null),
            Status = RunStatus.Awaiting,
        };
        Expect.Is<AppendResult.Killed>(await run.AppendAsync(batch));
        RunInfo info = await s.InfoAsync(run.Id);
        Expect.Equal(BudgetAmount.Zero, info.Reserved);
        Expect.Equal(RunStatus.Planning, info.Status);
        Expect.Equal("w1", info.Worker);
        Expect.Sequence(["s1"], await s.InboxAsync(run.Id));
    }

    private static async Task Switch_Signalled_RunIsClaimableAllTheSame(Scene s)
    {
        Subject run = await s.StartedAsync();
        Subject other = await s.StartedAsync();
        await s.EngageAsync("global");
        await s.SignalAsync(run.Id);
        Expect.Equal(run.Id, Expect.NotNull(await s.ClaimAsync()).Lease.Run);
        Expect.Equal(null, await s.ClaimAsync(other.Id));
    }

    private static async Task Switch_Released_EffectsStartAgain(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.EngageAsync("tenant:acme");
        Expect.Is<AppendResult.Killed>(await run.AppendAsync(run.Effect()));
        Expect.Equal(true, await s.Store.ReleaseAsync("tenant:acme", s.Token));
        await run.CommitAsync(run.Effect());
    }

    private static async Task Switch_Released_ParkedRunsWake(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.EngageAsync("agent:support");
        await run.CommitAsync(run.Parked());
        Expect.Equal(null, await s.ClaimAsync());
        await s.Store.ReleaseAsync("agent:support", s.Token);
        Expect.NotNull(await s.ClaimAsync());
    }

    private static async Task Switch_ReleasedOneOfTwo_OtherStillHolds(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.EngageAsync("agent:support");
        await s.EngageAsync("global");
        await run.CommitAsync(run.Parked());
        await s.Store.ReleaseAsync("agent:support", s.Token);
        Expect.Equal(null, await s.ClaimAsync());
        await s.Store.ReleaseAsync("global", s.Token);
        Expect.NotNull(await s.ClaimAsync());
    }

    private static async Task Switch_Released_EndedRunsStayEnded(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.EngageAsync("global");
        await run.CommitAsync(run.Ended());
        await s.Store.ReleaseAsync("global", s.Token);
        Expect.Equal(null, await s.ClaimAsync());
        Expect.Equal(null, (await s.InfoAsync(run.Id)).ClaimableAt);
    }

    private static async Task Switch_EngagedTwice_IsFalseAndKeepsTheFirst(Scene s)
    {
        await s.EngageAsync("global");
        Expect.Equal(false, await s.Store.EngageAsync(new KillSwitch("global", "otto", "me too", s.Now), s.Token));
        Expect.Sequence(["olga"], (await s.Store.SwitchesAsync(s.Token)).Select(k => k.By));
    }

    private static async Task Switch_ReleasedTwice_IsFalse(Scene s)
    {
        Expect.Equal(false, await s.Store.ReleaseAsync("global", s.Token));
        await s.EngageAsync("global");
        Expect.Equal(true, await s.Store.ReleaseAsync("global", s.Token));
        Expect.Equal(false, await s.Store.ReleaseAsync("global", s.Token));
        await s.EngageAsync("global");
    }

    private static async Task Switch_Engaged_IsListed(Scene s)
    {
        Expect.Sequence([], await s.Store.SwitchesAsync(s.Token));
        await s.EngageAsync("tenant:acme");
        await s.EngageAsync("agent:support");
        KillSwitch[] expected = [new("agent:support", "olga", "drill", s.Now), new("tenant:acme", "olga", "drill", s.Now)];
        Expect.Sequence(expected, (await s.Store.SwitchesAsync(s.Token)).OrderBy(k => k.Scope, StringComparer.Ordinal));
    }

    private static async Task Switch_NoSuchScope_IsRefused(Scene s)
    {
        foreach (string scope in new[] { "everything", "session:acme/42", "tenant:" })
            await Expect.ThrowsAsync<FormatException>(
                async () => await s.Store.EngageAsync(new KillSwitch(scope, "olga", null, s.Now), s.Token), $"engaging '{scope}'");
        Expect.Sequence([], await s.Store.SwitchesAsync(s.Token));
    }

    private static async Task Switch_RunIdInAnotherForm_HoldsAllTheSame(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        string scope = $"run:{run.Id.Value.ToString("D").ToUpperInvariant()}";
        await s.EngageAsync(scope);
        Expect.Is<AppendResult.Killed>(await run.AppendAsync(run.Effect()));
        Expect.Equal(true, await s.Store.ReleaseAsync(scope, s.Token));
        await run.CommitAsync(run.Effect());
    }

    private static async Task Switch_Engaged_IsToldByWatch(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.ClaimedAsync("globex");
        await s.EngageAsync("tenant:acme");
        var killed = new KillSwitch("tenant:acme", "olga", "drill", s.Now);
        Expect.Sequence([new RunAttention(run.Id, false, killed)], await s.Store.WatchAsync("w1", s.Token));
        await s.Store.ReleaseAsync("tenant:acme", s.Token);
        Expect.Sequence([], await s.Store.WatchAsync("w1", s.Token));
    }

    private static async Task Switch_StaleWorker_IsFencedFirst(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.EngageAsync("global");
        await run.FencedAsync(run.Effect() with { Lease = run.Lease with { Epoch = 0 } });
    }

    private static async Task Switch_Engaged_RunsCanBeStartedAndSignalled(Scene s)
    {
        await s.EngageAsync("global");
        Subject run = await s.StartedAsync();
        Expect.Equal(SignalResult.Accepted, await s.SignalAsync(run.Id));
    }

    private static async Task Switch_EngagedUnderLoad_NothingStartsAfter(Scene s)
    {
        const int Writers = 8;
        var runs = new Subject[Writers];
        for (int i = 0; i < Writers; i++)
            runs[i] = await s.ClaimedAsync();
        bool engaged = false;
        int late = 0;
        await Scene.AtOnceAsync(Writers + 1, async i =>
        {
            if (i == Writers)
            {
                await s.EngageAsync("global");
                Volatile.Write(ref engaged, true);
                return i;
            }

            for (int n = 0; n < 500; n++)
            {
                bool before = Volatile.Read(ref engaged);
                AppendResult result = await runs[i].AppendAsync(runs[i].Effect());
                if (before && result is AppendResult.Committed)
                    Interlocked.Increment(ref late);
                if (result is AppendResult.Killed)
                    break;
            }

            return i;
        });
        Expect.Equal(0, late, "effects that started after the switch");
        foreach (Subject run in runs)
            Expect.Is<AppendResult.Killed>(await run.AppendAsync(run.Effect()));
    }
}
