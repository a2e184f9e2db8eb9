using Steward.Journal;
using Steward.Storage;
using Steward.Testing.Faults;
using static Steward.Tests.Faults.FaultCase;

namespace Steward.Tests.Faults;

/// <summary>C1 to C7 of the fault list: the process dies at a named place. C8 (schema migration) and C9 (kill -9 in a loop) need a real file and a real process: see Steward.Sqlite.Tests.</summary>
public sealed class CrashFaultTests
{
    [Fact]
    public async Task C1_BeforeTheIntent_TheCallIsMadeOnceByTheNext()
    {
        var fault = new FaultCase();
        RunId run = await fault.Lab.StartAsync();
        await fault.DieAsync(FaultMoment.Before, Holds<ToolStarted>);
        Assert.Empty(fault.Ledger);
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
    }

    [Fact]
    public async Task C2_AfterTheIntentBeforeTheCall_TheProbeSaysNoAndItIsMadeOnce()
    {
        var fault = new FaultCase();
        RunId run = await fault.Lab.StartAsync();
        await fault.DieAsync(FaultMoment.After, Holds<ToolStarted>);
        Assert.Empty(fault.Ledger);
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
        Assert.Contains((await fault.Lab.JournalAsync(run)).Select(e => e.Event), e => e is ToolResolved { Outcome: EffectOutcome.DidNotHappen });
    }

    [Fact]
    public async Task C3_InsideTheCall_ThePersonIsAskedWhenThereIsNoProbe()
    {
        bool dies = true;
        var fault = new FaultCase(probe: false, body: (_, _) => dies ? throw new StoreException(StoreFailure.Io, "in the middle") : Task.CompletedTask);
        RunId run = await fault.Lab.StartAsync();
        await fault.FinishAsync();
        Assert.Equal(QuestionKind.OutcomeUnknown, Assert.Single((await fault.CheckAsync(run)).Questions).Kind);
        dies = false;
        await fault.DecideAsync(run, Answer.DidNotHappen);
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
    }

    [Fact]
    public async Task C4_AfterTheEffectBeforeItsResult_TheProbeFindsIt()
    {
        var fault = new FaultCase();
        RunId run = await fault.Lab.StartAsync();
        await fault.DieAsync(FaultMoment.Before, Holds<ToolReturned>);
        Assert.Single(fault.Ledger);
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
        Assert.Contains((await fault.Lab.JournalAsync(run)).Select(e => e.Event), e => e is ToolResolved { Outcome: EffectOutcome.Happened, By: "probe" });
    }

    [Fact]
    public async Task C5_AfterTheResultBeforeTheReply_IsReadBackAndNotMadeAgain()
    {
        var fault = new FaultCase();
        RunId run = await fault.Lab.StartAsync();
        await fault.DieAsync(FaultMoment.After, Holds<ToolReturned>);
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
        Assert.DoesNotContain((await fault.Lab.JournalAsync(run)).Select(e => e.Event), e => e is ToolResolved);
    }

    [Theory]
    [InlineData(FaultMoment.Before)]
    [InlineData(FaultMoment.After)]
    public async Task C6_InTheCommitThatAsksForApproval_IsAskedOnce(FaultMoment moment)
    {
        var fault = new FaultCase(approval: true);
        RunId run = await fault.Lab.StartAsync();
        await fault.DieAsync(moment, Holds<QuestionAsked>);
        await fault.FinishAsync();
        Assert.Single((await fault.CheckAsync(run)).Questions);
        Assert.Single(await fault.Lab.Store.QuestionsAsync(new QuestionQuery { Run = run, Status = null }, Token));
        await fault.DecideAsync(run, Answer.Approve);
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
    }

    [Theory]
    [InlineData(FaultMoment.Before)]
    [InlineData(FaultMoment.After)]
    public async Task C6_InTheCommitThatTakesTheApproval_IsTakenOnce(FaultMoment moment)
    {
        var fault = new FaultCase(approval: true);
        RunId run = await fault.Lab.StartAsync();
        await fault.FinishAsync();
        await fault.DecideAsync(run, Answer.Approve);
        await fault.DieAsync(moment, Holds<QuestionAnswered>);
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
        Assert.Single((await fault.Lab.JournalAsync(run)).Select(e => e.Event).OfType<QuestionAnswered>());
    }

    /// <summary>Steward compacts nothing yet; what stands in its place is the snapshot, which goes along with a commit.</summary>
    [Theory]
    [InlineData(FaultMoment.Before)]
    [InlineData(FaultMoment.After)]
    public async Task C7_InTheCommitOfASnapshot_TheRunIsWhole(FaultMoment moment)
    {
        int n = 0;
        var fault = new FaultCase(limits: new() { Iterations = 500 }, turns: [.. Enumerable.Range(0, 350).Select(_ => Support.FunctionModel.Calls_(("send", new { n = n++ }))), Support.FunctionModel.Says("done")]);
        RunId run = await fault.Lab.StartAsync();
        await fault.DieAsync(moment, b => b.Snapshot is not null);
        await fault.FinishAsync();
        Assert.Equal(RunStatus.Completed, (await fault.CheckAsync(run)).Status);
        Assert.Equal(350, fault.Ledger.Distinct().Count());
        Assert.Equal(350, fault.Ledger.Count);
    }
}
