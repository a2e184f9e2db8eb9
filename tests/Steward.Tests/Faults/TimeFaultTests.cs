using Steward.Agents;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing;
using Steward.Tests.Shared;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Faults.FaultCase;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Faults;

/// <summary>T1 to T4 of the fault list.</summary>
public sealed class TimeFaultTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task T1_AWorkersClockAnHourOff_LeasesAndExpiriesGoByTheStores(int hours)
    {
        var storeTime = new ManualTimeProvider();
        var store = new InMemoryStewardStore(storeTime);
        var workerTime = new ManualTimeProvider(storeTime.GetUtcNow() + TimeSpan.FromHours(hours));
        ToolDefinition send = new("send", "Tested.", System.Text.Json.JsonElement.Parse("{}"), (_, _, _) => ValueTask.FromResult(new ToolOutput("sent")));
        AgentDefinition agent = Harness.Agent(send).AddApprovals(new ApprovalPolicy { Name = "all", ExpiresAfter = TimeSpan.FromHours(4) }).Build();
        var off = new Lab(Script(Calls_(("send", new { })), Says("done")), agent, store, workerTime);
        RunId run = await off.StartAsync();
        Claim first = (await store.ClaimOneAsync(new ClaimRequest { Worker = "right", Duration = Lab.LeaseDuration }, Token))!;
        Assert.Null(await off.WorkAsync("off")); // Its clock says that the lease is over, or has not begun; the store's says otherwise.
        storeTime.Advance(Lab.LeaseDuration);
        Assert.Equal(RunExit.Parked, await off.WorkAsync("off"));
        Assert.True((await store.AppendAsync(new RunBatch { Lease = first.Lease, ExpectedSequence = 1, Status = RunStatus.Executing, Reason = "" }, Token)) is AppendResult.Fenced);

        // When the store's clock says that the question's time is up, it is, whatever the worker's says; not before.
        QuestionInfo question = Assert.Single(await store.QuestionsAsync(new QuestionQuery(), Token));
        Assert.Equal(workerTime.GetUtcNow() + TimeSpan.FromHours(4), question.ExpiresAt);
        storeTime.Advance(question.ExpiresAt!.Value - storeTime.GetUtcNow() - TimeSpan.FromSeconds(1));
        Assert.Null(await off.WorkAsync("off"));
        storeTime.Advance(TimeSpan.FromSeconds(1));
        workerTime.Advance(TimeSpan.FromHours(5));
        await off.WorkAsync("off");
        Assert.Contains((await off.JournalAsync(run)).Select(e => e.Event), e => e is QuestionAnswered { By: QuestionRules.Expiry });
    }

    [Fact]
    public async Task T2_TimerDueWhileNobodyWorks_FiresOnceAfterwards()
    {
        var lab = new Lab(Script(Calls_(("wait_until", new { seconds = 60 })), Says("done")), Harness.Agent(BuiltInTools.WaitUntil).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        lab.Time.Advance(TimeSpan.FromDays(3));
        while (await lab.WorkAsync() is not null)
        {
        }

        RunState state = Invariants.Check(await lab.JournalAsync(run));
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Single((await lab.JournalAsync(run)).Select(e => e.Event).OfType<WaitEnded>());
    }

    [Fact]
    public async Task T3_ThousandsOfTimersDueAtOnce_AllFireOnce()
    {
        int runs = SuiteSize.Of(2_000, 10_000);
        var lab = new Lab(Script(Calls_(("wait_until", new { seconds = 60 })), Says("done")), Harness.Agent(BuiltInTools.WaitUntil).Build());
        for (int i = 0; i < runs; i++)
            await lab.StartAsync();
        while (await lab.WorkAsync() is not null)
        {
        }

        Assert.Null(await lab.WorkAsync());
        lab.Time.Advance(TimeSpan.FromSeconds(61));
        int fired = 0;
        while (await lab.WorkAsync() is { } exit)
        {
            Assert.Equal(RunExit.Ended, exit);
            fired++;
        }

        Assert.Equal(runs, fired);
    }

    [Fact]
    public async Task T4_ExpiryRacingWithApproval_OneOfThemDecides()
    {
        for (int early = 0; early <= 2; early++)
        {
            var fault = new FaultCase(approval: false);
            AgentDefinition agent = Harness.Agent(fault.Tool).AddApprovals(new ApprovalPolicy { Name = "all", ExpiresAfter = TimeSpan.FromSeconds(10) }).Build();
            var lab = new Lab(Script(Calls_(("send", new { n = 1 })), Says("done")), agent);
            RunId run = await lab.StartAsync();
            await lab.WorkAsync();
            lab.Time.Advance(TimeSpan.FromSeconds(9 + early));
            string question = (await lab.StateAsync(run)).Questions[0].Id;
            DecisionResult decided = await lab.Store.DecideAsync(new Decision { Id = "d", Run = run, Question = question, Answer = Answer.Approve, By = "ana" }, Token);
            lab.Time.Advance(TimeSpan.FromSeconds(5));
            while (await lab.WorkAsync() is not null)
            {
            }

            Assert.Equal(early == 0 ? DecisionStatus.Accepted : DecisionStatus.Expired, decided.Status);
            Assert.Equal(early == 0 ? 1 : 0, fault.Ledger.Count);
            Assert.Single((await lab.JournalAsync(run)).Select(e => e.Event).OfType<QuestionAnswered>());
        }
    }
}
