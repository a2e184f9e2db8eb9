using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Steward.Agents;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>What a worker may do under a lease that is old, or gone. The models are scripted.</summary>
public sealed class WorkerLeaseTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Faults N1 and N9: a process that stood still for longer than its lease, and whose run another one took, starts nothing more.</summary>
    [Fact]
    public async Task Worker_StoodStillAndLostItsRun_StartsNoEffect()
    {
        Lab? lab = null;
        List<string> effects = [];
        bool frozen = false;
        var model = new FunctionModel((messages, _) =>
        {
            if (!frozen)
            {
                // While the model answers the process stands still; another one takes the run over and ends it.
                frozen = true;
                lab!.Time.Advance(Lab.LeaseDuration);
                Assert.Equal(RunExit.Ended, lab.WorkAsync("other").GetAwaiter().GetResult());
            }

            return messages.Any(m => m.Role == Microsoft.Extensions.AI.ChatRole.Tool) ? Says("over") : Calls_(("send", new { }));
        });
        lab = new Lab(model, Harness.Agent(Send(effects)).Build());
        RunId run = await lab.StartAsync();

        Assert.Equal(RunExit.Lost, await lab.WorkAsync("frozen"));

        Assert.Single(effects);
        Assert.Equal(2, (await lab.StateAsync(run)).Epoch);
        Invariants.Check(await lab.JournalAsync(run));
    }

    /// <summary>A process under such load that its leases run out claims its own run again and again: it lives, so the run is not to blame.</summary>
    [Fact]
    public async Task Worker_LosesItsRunToTimeAgainAndAgain_RunIsNotQuarantined()
    {
        Lab? lab = null;
        var again = new Queue<Claim>();
        int answers = 0;
        var model = new FunctionModel((_, _) =>
        {
            if (++answers <= 8)
            {
                lab!.Time.Advance(Lab.LeaseDuration);
                again.Enqueue(lab.Store.ClaimOneAsync(new ClaimRequest { Worker = "w1", Duration = Lab.LeaseDuration }, Token).AsTask().GetAwaiter().GetResult()!);
            }

            return Says("over");
        });
        lab = new Lab(model, Harness.Agent().Build()) { MaxClaimAttempts = 2 };
        RunId run = await lab.StartAsync();
        RunEngine engine = lab.Engine(lab.Store);
        again.Enqueue((await lab.Store.ClaimOneAsync(new ClaimRequest { Worker = "w1", Duration = Lab.LeaseDuration }, Token))!);

        List<RunExit> exits = [];
        while (again.TryDequeue(out Claim? claim))
            exits.Add(await engine.ExecuteAsync(claim));

        Assert.Equal([.. Enumerable.Repeat(RunExit.Lost, 8), RunExit.Ended], exits);
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.DoesNotContain(await lab.JournalAsync(run), e => e.Event is QuestionAsked);
    }

    /// <summary>The same claims, each by a process that is gone: the run may bring its workers down, and a person is asked.</summary>
    [Fact]
    public async Task Workers_DieOfARun_RunIsQuarantined()
    {
        var lab = new Lab(new FunctionModel((_, _) => Says("over")), Harness.Agent().Build()) { MaxClaimAttempts = 2 };
        RunId run = await lab.StartAsync();
        for (int i = 0; i < 2; i++)
        {
            Assert.NotNull(await lab.Store.ClaimOneAsync(new ClaimRequest { Worker = $"w{i}", Duration = Lab.LeaseDuration }, Token));
            lab.Time.Advance(Lab.LeaseDuration);
        }

        Assert.Equal(RunExit.Parked, await lab.WorkAsync("w9"));
        Assert.Contains(await lab.JournalAsync(run), e => e.Event is QuestionAsked { Kind: QuestionKind.Quarantine });
    }

    /// <summary>Invariant 11: an effect starts only under a lease of which at least a fifth is left, counted from the asking.</summary>
    [Fact]
    public async Task Effect_WhenFourFifthsOfTheLeaseAreGone_WaitsForARenewal()
    {
        Lab? lab = null;
        List<string> calls = [];
        var model = new FunctionModel((messages, _) =>
        {
            lab!.Time.Advance(Lab.LeaseDuration * 0.81);
            return messages.Any(m => m.Role == Microsoft.Extensions.AI.ChatRole.Tool) ? Says("over") : Calls_(("send", new { }));
        });
        lab = new Lab(model, Harness.Agent(Send(calls)).Build());
        RunId run = await lab.StartAsync();
        var store = new FaultyStore(lab.Store)
        {
            Hook = (method, _) =>
            {
                calls.Add(method);
                return Task.CompletedTask;
            },
        };

        Assert.Equal(RunExit.Ended, await lab.WorkAsync(store: store));

        int effect = calls.IndexOf("send");
        Assert.Equal([nameof(IRunStore.RenewAsync), nameof(IRunStore.AppendAsync)], calls[(effect - 2)..effect]);
        Assert.NotNull((await lab.StateAsync(run)).Outcome);
    }

    /// <summary>Fault N4: the intent is durable, but the answer that says so comes after another worker has had the run.</summary>
    [Fact]
    public async Task N4_AnswerOfTheIntentComesAfterTheLease_EffectIsNotStarted()
    {
        List<string> effects = [];
        var lab = new Lab(Script(Calls_(("send", new { })), Says("over")), Harness.Agent(Send(effects, probed: true)).Build());
        RunId run = await lab.StartAsync();
        bool late = false;
        var store = new FaultyStore(lab.Store)
        {
            Methods = [nameof(IRunStore.AppendAsync)],
            AnswerHook = async (_, _) =>
            {
                if (late || (await lab.JournalAsync(run))[^1].Event is not ToolStarted)
                    return;
                late = true;
                lab.Time.Advance(Lab.LeaseDuration);
                Assert.Equal(RunExit.Ended, await lab.WorkAsync("other"));
            },
        };

        Assert.Equal(RunExit.Lost, await lab.WorkAsync("parted", store));

        Assert.True(late);
        Assert.Equal(["probe", "send"], effects);
        Invariants.Check(await lab.JournalAsync(run));
    }

    /// <summary>The same with the run still in hand: the effect waits for a renewal; where the store gives none, it is certain that it was not made, and no person is asked.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task N4_AnswerOfTheIntentIsLate_EffectWaitsForARenewal(bool renewable)
    {
        List<string> effects = [];
        var lab = new Lab(Script(Calls_(("send", new { })), Says("over")), Harness.Agent(Send(effects)).Build());
        RunId run = await lab.StartAsync();
        bool late = false;
        int renewals = 0;
        var store = new FaultyStore(lab.Store)
        {
            Methods = [nameof(IRunStore.AppendAsync), nameof(IRunStore.RenewAsync)],
            Hook = (method, _) =>
            {
                if (method != nameof(IRunStore.RenewAsync) || !late || renewals++ > 0 || renewable)
                    return Task.CompletedTask;
                throw new StoreException(StoreFailure.Io, "The store does not answer.");
            },
            AnswerHook = async (_, _) =>
            {
                if (late || (await lab.JournalAsync(run))[^1].Event is not ToolStarted)
                    return;
                late = true;
                lab.Time.Advance(Lab.LeaseDuration * 0.9);
            },
        };

        Assert.Equal(RunExit.Ended, await lab.WorkAsync(store: store));

        List<JournalEntry> journal = await lab.JournalAsync(run);
        Assert.InRange(renewals, 1, 2);
        Assert.Equal(renewable ? ["send"] : [], effects);
        Assert.Equal(renewable ? 0 : 1, journal.Count(e => e.Event is ToolFailed { Failure: ToolFailure.Cancelled }));
        Assert.DoesNotContain(journal, e => e.Event is QuestionAsked);
        Invariants.Check(journal);
    }

    /// <summary>A call that the next worker would repeat on a probe's word is cut off before that worker can come.</summary>
    [Fact]
    public async Task CallWithAProbe_InFlightWhenTheLeaseNearsItsEnd_IsCutOff()
    {
        var lab = new Lab(Script(Calls_(("send", new { })), Says("over")), Harness.Agent(Hanging(out TaskCompletionSource begun, out Task cut)).Build());
        RunId run = await lab.StartAsync();
        Task<RunExit?> work = lab.WorkAsync();
        await begun.Task.WaitAsync(Token);

        lab.Time.Advance(Lab.LeaseDuration * 0.79);
        Assert.False(cut.IsCompleted);
        lab.Time.Advance(Lab.LeaseDuration * 0.02);

        await cut.WaitAsync(Token);
        Assert.Equal(RunExit.Ended, await work.WaitAsync(Token));
        Assert.Contains(await lab.JournalAsync(run), e => e.Event is ToolFailed { Failure: ToolFailure.OutcomeUnknown });
        Invariants.Check(await lab.JournalAsync(run));
    }

    /// <summary>Fault N9: the monotonic clock stood still with the suspended machine; the time of day says how old the lease is.</summary>
    [Fact]
    public async Task N9_MachineWasSuspended_EffectWaitsForARenewal()
    {
        List<string> effects = [];
        Lab? lab = null;
        bool suspended = false;
        var model = new FunctionModel((messages, _) =>
        {
            if (!suspended)
            {
                suspended = true;
                lab!.Time.Suspend(Lab.LeaseDuration);
                Assert.Equal(RunExit.Ended, lab.WorkAsync("other").GetAwaiter().GetResult());
            }

            return messages.Any(m => m.Role == Microsoft.Extensions.AI.ChatRole.Tool) ? Says("over") : Calls_(("send", new { }));
        });
        lab = new Lab(model, Harness.Agent(Send(effects)).Build());
        RunId run = await lab.StartAsync();
        int appends = 0;
        var store = new FaultyStore(lab.Store)
        {
            Methods = [nameof(IRunStore.AppendAsync)],
            Hook = (_, _) =>
            {
                appends += suspended ? 1 : 0;
                return Task.CompletedTask;
            },
        };

        Assert.Equal(RunExit.Lost, await lab.WorkAsync("suspended", store));

        Assert.Single(effects);
        Assert.Equal(0, appends); // Not the gate refused it: the worker knew by its own clock.
        Invariants.Check(await lab.JournalAsync(run));
    }

    /// <summary>All runs of a worker are renewed by one call, and each that was lost is told.</summary>
    [Fact]
    public async Task Renewal_OfManyRuns_IsOneCallAndTellsTheLost()
    {
        var time = new ManualTimeProvider();
        var inner = new InMemoryStewardStore(time);
        int renewals = 0;
        var store = new FaultyStore(inner)
        {
            Methods = [nameof(IRunStore.RenewAsync)],
            Hook = (_, _) =>
            {
                renewals++;
                return Task.CompletedTask;
            },
        };
        var lab = new Lab(Script(Says("done")), Harness.Agent().Build(), store, time);
        var worker = new WorkerLease(store, "w1", Lab.LeaseDuration, time);
        List<RunSession> sessions = [];
        for (int i = 0; i < 5; i++)
        {
            RunId run = await lab.StartAsync();
            Claim claim = (await store.ClaimOneAsync(new ClaimRequest { Worker = "w1", Duration = Lab.LeaseDuration, Run = run }, Token))!;
            sessions.Add(new RunSession(store, lab.Agent, claim.Lease, worker, await RunJournal.LoadAsync(store, claim), time, new IsolatedObservers([], NullLogger.Instance)));
        }

        time.Advance(Lab.LeaseDuration);
        Assert.NotNull(await store.ClaimOneAsync(new ClaimRequest { Worker = "w2", Duration = Lab.LeaseDuration, Run = sessions[2].Lease.Run }, Token));

        bool[] held = await Task.WhenAll(sessions.Select(s => s.EnsureLeaseAsync(Token).AsTask()));

        Assert.Equal([true, true, false, true, true], held);
        Assert.Equal(Interruption.LeaseLost, sessions[2].Interruption);
        Assert.Equal(1, renewals);
        sessions.ForEach(s => s.Dispose());
    }

    /// <summary>Fault N8: a process dies and one of the same name is there at once; what the dead one held is taken over when its lease has run out, under the next epoch.</summary>
    [Fact]
    public async Task N8_SameNameRestartsAtOnce_TakesOverUnderTheNextEpoch()
    {
        List<string> effects = [];
        var lab = new Lab(Script(Calls_(("send", new { })), Says("over")), Harness.Agent(Send(effects)).Build());
        RunId run = await lab.StartAsync();
        var dying = new FaultyStore(lab.Store) { Methods = [nameof(IRunStore.AppendAsync)], FailAt = 2, Lasting = true };
        await Assert.ThrowsAnyAsync<StoreException>(() => lab.WorkAsync("w1", dying));

        Assert.Null(await lab.WorkAsync("w1"));
        lab.Time.Advance(Lab.LeaseDuration);
        Assert.Equal(RunExit.Ended, await lab.WorkAsync("w1"));

        Assert.Single(effects);
        Assert.Equal(2, (await lab.StateAsync(run)).Epoch);
        Invariants.Check(await lab.JournalAsync(run));
    }

    /// <summary>A rolling upgrade: the worker without the version leaves the run alone for a while, then says what is missing.</summary>
    [Fact]
    public async Task Worker_WithoutTheVersion_LeavesTheRunToOthersThenParksIt()
    {
        var time = new ManualTimeProvider();
        var store = new InMemoryStewardStore(time);
        var old = new Lab(Script(Says("done")), new Steward.Agents.AgentBuilder("tester", "1").UseModel(Harness.Model).Build(), store, time);
        RunId run = await old.StartAsync();
        var registry = new Steward.Agents.AgentRegistry(new Steward.Agents.AgentBuilder("tester", "2").UseModel(Harness.Model).Build());
        ClaimRequest request = new() { Worker = "new", Duration = Lab.LeaseDuration, Agents = registry.Names, Versions = registry.Versions };

        Assert.Empty(await store.ClaimAsync(request, Token));
        time.Advance(request.VersionPatience);
        Claim claim = Assert.Single(await store.ClaimAsync(request, Token));
        var node = new Lab(Script(Says("done")), registry.Find("tester")!, store, time);
        Assert.Equal(RunExit.Parked, await node.Engine(store).ExecuteAsync(claim));

        Assert.Equal("agent_missing", (await old.StateAsync(run)).Reason);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(await store.ClaimAsync(request, Token));
        Assert.Equal(RunExit.Ended, await old.WorkAsync());
    }

    private static ToolDefinition Hanging(out TaskCompletionSource begun, out Task cut)
    {
        TaskCompletionSource beginning = begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var ending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cut = ending.Task;
        return new("send", "Sends.", JsonElement.Parse("""{"type":"object"}"""), async (_, _, token) =>
        {
            token.Register(() => ending.TrySetResult());
            beginning.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return new ToolOutput("sent");
        })
        {
            Timeout = TimeSpan.FromHours(1),
            Probe = (_, _, _) => ValueTask.FromResult(ProbeResult.Happened("sent")),
        };
    }

    private static ToolDefinition Send(List<string> effects, bool probed = false) => new("send", "Sends.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) =>
    {
        effects.Add("send");
        return ValueTask.FromResult(new ToolOutput("sent"));
    })
    {
        Probe = !probed ? null : (_, _, _) =>
        {
            effects.Add("probe");
            return ValueTask.FromResult(effects.Contains("send") ? ProbeResult.Happened("sent") : ProbeResult.DidNotHappen);
        },
    };
}
