using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;
using static Steward.Tests.Support.Payments;

namespace Steward.Tests.Client;

/// <summary>What an approval does to a run: who is asked, what waits, and what the model is told.</summary>
public sealed class ApprovalTests
{
    private static readonly ApprovalPolicy s_pay = new() { Name = "payments", Tools = ["pay"] };

    [Fact]
    public async Task Call_Approved_IsMadeOnceWithWhatWasApproved()
    {
        Payments payments = Once(5, s_pay);
        RunId run = await payments.AskAsync();

        QuestionInfo question = await payments.TheQuestionAsync(run);
        Assert.Empty(payments.Paid);
        Assert.Equal(("pay", "payments", QuestionKind.Approval), (question.Tool, question.Policy, question.Kind));
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, question.Id, with: d => d with { Binding = question.Binding }));
        await payments.WorkAsync();

        Assert.Equal("""{"amount":5}""", Assert.Single(payments.Paid));
        Assert.Equal("paid", Assert.Single(await payments.ResultsAsync(run)));
        Assert.Equal(RunStatus.Completed, (await payments.CheckedAsync(run)).Status);
    }

    [Fact]
    public async Task Call_Denied_TheModelReadsWhy()
    {
        Payments payments = Once(5, s_pay);
        RunId run = await payments.AskAsync();
        DecisionResult denied = await payments.DecideAsync(run, "approve-1.0", Answer.Deny, with: d => d with { Note = "The invoice is a fake." });
        Assert.Equal(DecisionStatus.Accepted, denied.Status);
        await payments.WorkAsync();

        Assert.Empty(payments.Paid);
        Assert.Equal("A person refused this call: The invoice is a fake.", Assert.Single(await payments.ResultsAsync(run)));
        RunState state = await payments.CheckedAsync(run);
        Assert.Equal((RunStatus.Completed, 0), (state.Status, state.Mistakes));
    }

    [Fact]
    public async Task Call_PersonStopsTheRun_ItFails()
    {
        Payments payments = Once(5, s_pay);
        RunId run = await payments.AskAsync();
        await payments.DecideAsync(run, "approve-1.0", Answer.Stop, with: d => d with { Note = "Enough." });
        await payments.WorkAsync();
        Assert.Empty(payments.Paid);
        Assert.Equal("stopped", Assert.IsType<RunFailed>((await payments.CheckedAsync(run)).Outcome).Code);
    }

    [Fact]
    public async Task Call_InvalidArguments_AreAnsweredToTheModelAndNobodyIsAsked() // user-pain #33
    {
        Payments payments = new([Calls_(("pay", new { amount = -1 }), ("pay", new { sum = 3 })), Says("done")], [s_pay]);
        RunId run = await payments.AskAsync();

        Assert.Empty(await payments.OpenAsync(run));
        Assert.DoesNotContain((await payments.Lab.JournalAsync(run)).Select(e => e.Event), e => e is QuestionAsked);
        Assert.All(await payments.ResultsAsync(run), r => Assert.Contains("are not valid, so it was not called", r, StringComparison.Ordinal));
        Assert.Equal(RunStatus.Completed, (await payments.CheckedAsync(run)).Status);
    }

    [Fact]
    public async Task Calls_OnlyThoseThatNeedApproval_Wait()
    {
        Payments payments = new([Calls_(("look", new { }), ("pay", new { amount = 5 }), ("look", new { n = 2 })), Says("done")], [s_pay]);
        RunId run = await payments.AskAsync();
        Assert.Equal(2, (await payments.Lab.StateAsync(run)).Completed.Count);
        Assert.Equal("approve-1.1", (await payments.TheQuestionAsync(run)).Id);
        RunInfo info = Assert.Single(await payments.Lab.Store.FindAsync(new RunQuery { Run = run }, TestContext.Current.CancellationToken));
        Assert.Equal((RunStatus.Awaiting, "approval", (string?)null), (info.Status, info.Reason, info.Worker));

        await payments.ApproveAsync(run, "approve-1.1");
        await payments.WorkAsync();
        Assert.Equal(["seven", "paid", "seven"], await payments.ResultsAsync(run));
        await payments.CheckedAsync(run);
    }

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(2, 0, 1)]
    [InlineData(1, 2, 0)]
    public async Task Calls_SeveralPending_EachAnswerGoesToItsOwn(int first, int second, int third) // user-pain #9
    {
        Payments payments = new([Pays(10, 11, 12), Says("done")], [s_pay]);
        RunId run = await payments.AskAsync();
        Assert.Equal(["approve-1.0", "approve-1.1", "approve-1.2"], (await payments.OpenAsync(run)).Select(q => q.Id));
        foreach (int index in (int[])[first, second, third])
        {
            await payments.DecideAsync(run, $"approve-1.{index}", index == 1 ? Answer.Deny : Answer.Approve, with: d => d with { Note = $"note {index}" });
            await payments.WorkAsync(); // The others still wait.
        }

        Assert.Equal(["""{"amount":10}""", """{"amount":12}"""], payments.Paid.Order());
        Assert.Equal(["paid", "A person refused this call: note 1", "paid"], await payments.ResultsAsync(run));
        await payments.CheckedAsync(run);
    }

    [Fact]
    public async Task Calls_DuplicateProviderIds_OneApprovalRunsOneCall() // user-pain #10
    {
        Payments payments = new([CallsWithIds(("same", "pay", new { amount = 5 }), ("same", "pay", new { amount = 5_000 })), Says("done")], [s_pay]);
        RunId run = await payments.AskAsync();
        QuestionInfo question = await payments.TheQuestionAsync(run);
        Assert.Equal(5, question.Arguments?.GetProperty("amount").GetInt32());
        await payments.ApproveAsync(run, question.Id);
        await payments.WorkAsync();

        Assert.Equal("""{"amount":5}""", Assert.Single(payments.Paid));
        Assert.Contains("had the id of this one", (await payments.ResultsAsync(run))[1], StringComparison.Ordinal);
        await payments.CheckedAsync(run);
    }

    [Fact]
    public async Task Call_SameIdInALaterTurn_IsAskedAgain() // user-pain #10
    {
        Payments payments = new([CallsWithIds(("same", "pay", new { amount = 5 })), CallsWithIds(("same", "pay", new { amount = 6 })), Says("done")], [s_pay]);
        RunId run = await payments.AskAsync();
        await payments.ApproveAsync(run, "approve-1.0");
        await payments.WorkAsync();
        Assert.Equal("""{"amount":5}""", Assert.Single(payments.Paid));
        Assert.Equal("approve-2.0", (await payments.TheQuestionAsync(run)).Id);
        Assert.Equal(DecisionStatus.AlreadyDecided, await payments.ApproveAsync(run, "approve-1.0"));
        await payments.WorkAsync();
        Assert.Single(payments.Paid);
    }

    [Theory]
    [InlineData(FaultMoment.Before)]
    [InlineData(FaultMoment.After)]
    public async Task Run_FailsOnceAfterTheDecision_DoesNotLoseIt(FaultMoment moment) // user-pain #7
    {
        for (int n = 1; ; n++)
        {
            Payments payments = Once(5, s_pay);
            RunId run = await payments.AskAsync();
            Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, "approve-1.0"));
            var faulty = new FaultyStore(payments.Lab.Store) { FailAt = n, Moment = moment, Lasting = true };
            try
            {
                await payments.Lab.WorkAsync("w1", faulty);
            }
            catch (StoreException)
            {
                // The process is gone; what the store holds is the run.
            }

            await FinishAsync(payments, run);
            RunState state = await payments.CheckedAsync(run);
            Assert.Equal(RunStatus.Completed, state.Status);
            Assert.Single(payments.Paid);
            Assert.Single((await payments.Lab.JournalAsync(run)).Select(e => e.Event).OfType<QuestionAnswered>(), q => q.Answer == Answer.Approve);
            if (faulty.Failed is null)
                break;
        }
    }

    [Fact]
    public async Task Run_ModelFailsAfterTheDecision_DoesNotLoseIt() // user-pain #7
    {
        bool failed = false;
        var model = new FunctionModel((messages, _) =>
        {
            if (!messages.Any(m => m.Role == ChatRole.Tool))
                return Pays(5);
            if (failed)
                return Says("done");
            failed = true;
            throw new ModelException(ModelFailure.Overloaded, "busy") { StatusCode = 529 };
        });
        Payments payments = Once(5, s_pay);
        var lab = new Lab(model, payments.Lab.Agent);
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        await lab.Handle(run).AnswerAsync("approve-1.0", Answer.Approve, "ana", cancellationToken: TestContext.Current.CancellationToken);
        await lab.WorkAsync();
        Assert.True(failed);
        Assert.Single(payments.Paid);
        Assert.Equal(RunStatus.Completed, Invariants.Check(await lab.JournalAsync(run)).Status);
    }

    [Fact]
    public async Task Questions_OfAllRuns_AreListedLongestAskedFirst()
    {
        Payments payments = Once(5, s_pay);
        RunId first = await payments.AskAsync();
        payments.Lab.Time.Advance(TimeSpan.FromHours(1));
        RunId second = await payments.AskAsync();
        IReadOnlyList<QuestionInfo> open = await payments.Lab.Store.QuestionsAsync(new QuestionQuery(), TestContext.Current.CancellationToken);
        Assert.Equal([first, second], open.Select(q => q.Run));
        Assert.Empty(await payments.Lab.Store.QuestionsAsync(new QuestionQuery { Tenant = "other" }, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Question_OfACancelledRun_IsWithdrawn()
    {
        Payments payments = Once(5, s_pay);
        RunId run = await payments.AskAsync();
        await payments.Lab.Handle(run).CancelAsync("ana", cancellationToken: TestContext.Current.CancellationToken);
        await payments.WorkAsync();
        Assert.Equal(DecisionStatus.Withdrawn, await payments.ApproveAsync(run, "approve-1.0"));
        Assert.Empty(payments.Paid);
    }

    private static async Task FinishAsync(Payments payments, RunId run)
    {
        for (int round = 0; round < 10 && !(await payments.Lab.StateAsync(run)).Status.IsTerminal(); round++)
        {
            payments.Lab.Time.Advance(Lab.LeaseDuration);
            await payments.WorkAsync();
            foreach (QuestionInfo lost in (await payments.OpenAsync(run)).Where(q => q.Kind == QuestionKind.OutcomeUnknown))
                await payments.DecideAsync(run, lost.Id, payments.Paid.Count > 0 ? Answer.Happened : Answer.DidNotHappen, with: d => d with { Result = "paid" });
        }
    }
}
