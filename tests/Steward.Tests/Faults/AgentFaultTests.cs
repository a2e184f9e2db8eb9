using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Faults.FaultCase;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Faults;

/// <summary>A1 to A8 of the fault list.</summary>
public sealed class AgentFaultTests
{
    [Fact]
    public async Task A1_RunThatBringsItsWorkerDown_IsQuarantinedAndGoesOnByAPersonsWord()
    {
        var fault = new FaultCase();
        RunId run = await fault.Lab.StartAsync();
        for (int i = 0; i <= 50; i++)
            await fault.DieAsync(FaultMoment.Before, b => b.Entries.Count > 0);
        await fault.FinishAsync();
        Assert.Equal(QuestionKind.Quarantine, Assert.Single((await fault.CheckAsync(run)).Questions).Kind);
        await fault.DecideAsync(run, Answer.Continue);
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
    }

    [Fact]
    public async Task A2_FiveMegabyteResult_IsPreviewedAndReadOn()
    {
        string large = new('x', 5_000_000);
        var lab = new Lab(
            new FunctionModel((m, _) => m.Count(x => x.Role == ChatRole.Assistant) switch
            {
                0 => Calls_(("big", new { })),
                1 => Calls_(("read_result", new { result = Reference(m), offset = 4_999_000 })),
                _ => Says(m.SelectMany(x => x.Contents).OfType<FunctionResultContent>().Last().Result!.ToString()!.Contains("xxxx", StringComparison.Ordinal) ? "read" : "not read"),
            }),
            Harness.Agent(Harness.Tool("big", _ => large)).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        ToolReturned returned = (await lab.JournalAsync(run)).Select(e => e.Event).OfType<ToolReturned>().First();
        Assert.Equal(5_000_000, returned.Length);
        Assert.True(returned.Result.Length < 10_000);
        Assert.Equal(5_000_000, (await lab.Store.GetAsync(returned.Blob!, Token))!.Value.Length);
        Assert.Equal("read", Assert.IsType<RunCompleted>((await lab.StateAsync(run)).Outcome).Output);

        static string Reference(IReadOnlyList<ChatMessage> messages)
        {
            string preview = messages.SelectMany(x => x.Contents).OfType<FunctionResultContent>().Last().Result!.ToString()!;
            return System.Text.RegularExpressions.Regex.Match(preview, "[0-9a-f]{8,64}").Value;
        }
    }

    [Fact]
    public async Task A3_ToolThatNeverReturns_IsOfUnknownOutcomeAfterItsTimeout()
    {
        var never = new TaskCompletionSource();
        var fault = new FaultCase(probe: false, body: (_, _) => never.Task);
        RunId run = await fault.Lab.StartAsync();
        Task<RunExit?> work = fault.Lab.WorkAsync();
        fault.Lab.Time.Advance(TimeSpan.FromSeconds(6));
        await work;
        Assert.Equal(QuestionKind.OutcomeUnknown, Assert.Single((await fault.CheckAsync(run)).Questions).Kind);
    }

    [Fact]
    public async Task A4_ToolRemovedWhileTheRunWaits_TheRunWaitsForItsVersion()
    {
        var fault = new FaultCase(approval: true);
        RunId run = await fault.Lab.StartAsync();
        await fault.FinishAsync();
        var without = new Lab(fault.Lab.Model, Harness.Agent(Harness.Tool("other", _ => "")).Build(), fault.Lab.Store, fault.Lab.Time);
        await fault.DecideAsync(run, Answer.Approve);
        await without.WorkAsync("newer");
        Assert.Equal((RunStatus.Awaiting, "agent_changed"), ((await fault.CheckAsync(run)).Status, (await fault.CheckAsync(run)).Reason));
        Assert.Empty(fault.Ledger);
        fault.Lab.Time.Advance(TimeSpan.FromMinutes(2));
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
    }

    [Fact]
    public async Task A5_StreamCutInTheMiddle_TheAttemptIsPaidForAndTheNextOneAnswers()
    {
        int calls = 0;
        var lab = new Lab(new FunctionModel((_, _) => ++calls == 1 ? throw new ModelException(ModelFailure.StreamInterrupted, "cut") : Says("done")), Harness.Agent().Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        ModelFailed failed = Assert.Single((await lab.JournalAsync(run)).Select(e => e.Event).OfType<ModelFailed>());
        Assert.True(failed.Settled.Tokens > 0, "What an aborted stream may have cost is counted.");
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
    }

    [Fact]
    public async Task A6_ParallelCallsOneAmbiguous_TheOthersKeepTheirResults()
    {
        var fault = new FaultCase(probe: false, turns: [Calls_(("send", new { n = 1 }), ("send", new { n = 2 }), ("send", new { n = 3 })), Says("done")]);
        int call = 0;
        var lab = new Lab(fault.Lab.Model, Harness.Agent(new ToolDefinition("send", "Tested.", fault.Tool.Schema, (c, a, t) => ++call == 2 ? throw new TimeoutException("no answer") : fault.Tool.Handler(c, a, t)) { Overlaps = true }).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        RunState state = Invariants.Check(await lab.JournalAsync(run));
        QuestionAsked asked = Assert.Single(state.Questions);
        Assert.Equal(1, asked.Index);
        Assert.Equal(2, state.Completed.Count);
        await lab.Store.DecideAsync(new Decision { Id = "d", Run = run, Question = asked.Id, Answer = Answer.Happened, By = "ana", Result = "sent after all" }, Token);
        await lab.WorkAsync();
        state = Invariants.Check(await lab.JournalAsync(run));
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Equal(["sent", "sent", "sent after all"], state.Completed.Select(c => c.Result).Order(StringComparer.Ordinal));
        Assert.Equal(2, fault.Ledger.Count);
    }

    [Fact]
    public async Task A7_BudgetGoneBetweenIntentAndCall_TheReservationHolds()
    {
        FaultCase fault = null!;
        RunId run = default;
        // While the call is at work, its money is reserved: a ceiling that falls below it stops what comes next, not what has begun.
        fault = new FaultCase(body: async (_, _) => await fault.Lab.Store.SetCeilingsAsync(BudgetScope.ForRun(run), new BudgetCeilings { ModelCalls = 1, ToolCalls = 1 }, Token));
        run = await fault.Lab.StartAsync();
        await fault.FinishAsync();
        RunState state = await fault.CheckAsync(run);
        Assert.Equal("budget_exhausted", Assert.IsType<RunFailed>(state.Outcome).Code);
        Assert.Single(fault.Ledger);
        Assert.Equal("sent", Assert.Single(state.Completed).Result);
    }

    [Fact]
    public async Task A8_ParallelChildrenOnOneBudget_NeverPassTheParentsCeiling()
    {
        AgentDefinition helper = new AgentBuilder("helper").UseModel(Harness.Model).Build();
        var model = new FunctionModel((m, _) => m.First(x => x.Role == ChatRole.User).Text != "go" ? Says("helped")
            : m.Any(x => x.Role == ChatRole.Tool) ? Says("over") : Calls_([.. Enumerable.Range(0, 6).Select(i => ("helper", (object)new { task = $"t{i}" }))]));
        var lab = new Lab(model, Harness.Agent(BuiltInTools.Agent("helper", "Helps.")).Build(), others: helper);
        RunId run = await lab.StartAsync(new RunRequest("go") { Ceilings = new BudgetCeilings { ModelCalls = 4 } });
        while (await lab.WorkAsync() is not null)
        {
            BudgetInfo now = Assert.Single(await lab.Store.BudgetsAsync(BudgetScope.ForRun(run).Key, cancellationToken: Token));
            Assert.True(now.Spent.ModelCalls + now.Reserved.ModelCalls <= 4);
            lab.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.True((await lab.StateAsync(run)).Status.IsTerminal());
    }
}
