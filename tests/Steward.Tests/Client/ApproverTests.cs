using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.Payments;

namespace Steward.Tests.Client;

/// <summary>Who may decide, how many it takes, and how long they have.</summary>
public sealed class ApproverTests
{
    private static readonly ApprovalPolicy s_pay = new() { Name = "payments", Tools = ["pay"] };
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Quorum_NeedsDifferentPeople()
    {
        Payments payments = Once(5, s_pay with { Approvers = 2 });
        RunId run = await payments.AskAsync();

        Assert.Equal(DecisionStatus.Counted, await payments.ApproveAsync(run, "approve-1.0", "ana"));
        Assert.Equal(DecisionStatus.AlreadyVoted, await payments.ApproveAsync(run, "approve-1.0", "ana"));
        await payments.WorkAsync();
        Assert.Empty(payments.Paid);
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, "approve-1.0", "ben"));
        await payments.WorkAsync();

        Assert.Single(payments.Paid);
        QuestionAnswered answered = Assert.Single((await payments.Lab.JournalAsync(run)).Select(e => e.Event).OfType<QuestionAnswered>());
        Assert.Equal("ana, ben", answered.By);
    }

    [Fact]
    public async Task Quorum_OneRefusal_Decides()
    {
        Payments payments = Once(5, s_pay with { Approvers = 3 });
        RunId run = await payments.AskAsync();
        await payments.ApproveAsync(run, "approve-1.0", "ana");
        Assert.Equal(DecisionStatus.Accepted, (await payments.DecideAsync(run, "approve-1.0", Answer.Deny, "ben")).Status);
        Assert.Equal(DecisionStatus.AlreadyDecided, await payments.ApproveAsync(run, "approve-1.0", "cleo"));
        await payments.WorkAsync();
        Assert.Empty(payments.Paid);
        Assert.Equal("ben", Assert.Single((await payments.Lab.JournalAsync(run)).Select(e => e.Event).OfType<QuestionAnswered>()).By);
    }

    [Fact]
    public async Task Quorum_PersonWhoApprovedMayChangeTheirMind()
    {
        Payments payments = Once(5, s_pay with { Approvers = 2 });
        RunId run = await payments.AskAsync();
        await payments.ApproveAsync(run, "approve-1.0", "ana");
        Assert.Equal(DecisionStatus.Accepted, (await payments.DecideAsync(run, "approve-1.0", Answer.Deny, "ana")).Status);
    }

    [Fact]
    public async Task Roles_OnlyWhoBearsOne_Decides()
    {
        Payments payments = Once(5, s_pay with { Roles = ["finance", "cfo"] });
        RunId run = await payments.AskAsync();
        Assert.Equal(["finance", "cfo"], (await payments.TheQuestionAsync(run)).Roles);
        Assert.Equal(DecisionStatus.NotAllowed, await payments.ApproveAsync(run, "approve-1.0"));
        Assert.Equal(DecisionStatus.NotAllowed, (await payments.DecideAsync(run, "approve-1.0", Answer.Stop, with: d => d with { Roles = ["support"] })).Status);
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, "approve-1.0", with: d => d with { Roles = ["support", "cfo"] }));
    }

    [Fact]
    public async Task Tenant_OfAnotherOne_ThereIsNoSuchQuestion()
    {
        Payments payments = Once(5, s_pay);
        RunId run = await payments.AskAsync();
        Assert.Equal(DecisionStatus.Unknown, await payments.ApproveAsync(run, "approve-1.0", with: d => d with { Tenant = "other" }));
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, "approve-1.0", with: d => d with { Tenant = "default" }));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("expiry")]
    public async Task Decider_WhoIsNobody_IsRefused(string by)
    {
        Payments payments = Once(5, s_pay);
        RunId run = await payments.AskAsync();
        await Assert.ThrowsAsync<StewardException>(() => payments.ApproveAsync(run, "approve-1.0", by));
    }

    [Fact]
    public async Task Reassign_OnlyTheNewPerson_Decides()
    {
        Payments payments = Once(5, s_pay with { Assignee = "ana" });
        RunId run = await payments.AskAsync();
        Assert.Equal(DecisionStatus.NotAllowed, await payments.ApproveAsync(run, "approve-1.0", "ben"));
        RunHandle handle = payments.Lab.Handle(run);
        Assert.Equal(DecisionStatus.NotAllowed, (await handle.ReassignAsync("approve-1.0", "ben", "ben", cancellationToken: TestContext.Current.CancellationToken)).Status);
        DecisionResult given = await handle.ReassignAsync("approve-1.0", "ana", "ben", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("ben", given.Question?.Assignee);
        Assert.Equal(DecisionStatus.NotAllowed, await payments.ApproveAsync(run, "approve-1.0", "ana"));
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, "approve-1.0", "ben"));
        await payments.WorkAsync();

        Assert.Single(payments.Paid);
        Assert.Equal(("ana", "ben"), Assert.Single((await payments.Lab.JournalAsync(run)).Select(e => e.Event).OfType<QuestionReassigned>()) is var e ? (e.By, e.Assignee) : default);
        Assert.Equal(DecisionStatus.AlreadyDecided, (await handle.ReassignAsync("approve-1.0", "ana", "cleo", cancellationToken: TestContext.Current.CancellationToken)).Status);
    }

    [Fact]
    public async Task Reassign_QuorumToOnePerson_IsRefusedAndOtherRolesAreNot()
    {
        Payments payments = Once(5, s_pay with { Approvers = 2, Roles = ["finance"] });
        RunId run = await payments.AskAsync();
        RunHandle handle = payments.Lab.Handle(run);
        var reassignment = new Reassignment("r1", run, "approve-1.0", "ana", "ben") { ByRoles = ["finance"] };
        Assert.Equal(DecisionStatus.SeveralNeeded, (await handle.ReassignAsync(reassignment, TestContext.Current.CancellationToken)).Status);
        DecisionResult given = await handle.ReassignAsync(reassignment with { Assignee = null, Roles = ["board"] }, TestContext.Current.CancellationToken);
        Assert.Equal(["board"], given.Question!.Roles);
        Assert.Equal(DecisionStatus.NotAllowed, await payments.ApproveAsync(run, "approve-1.0", with: d => d with { Roles = ["finance"] }));
    }

    [Theory]
    [InlineData(Answer.Deny, 0, RunStatus.Completed, "Nobody approved this call in time, so it was not made.")]
    [InlineData(Answer.Approve, 1, RunStatus.Completed, "paid")]
    [InlineData(Answer.Stop, 0, RunStatus.Failed, null)]
    public async Task Expiry_NobodyDecides_TheDefaultHappens(Answer answer, int paid, RunStatus status, string? result)
    {
        Payments payments = Once(5, s_pay with { ExpiresAfter = s_hour, Default = answer });
        RunId run = await payments.AskAsync();
        payments.Lab.Time.Advance(s_hour - TimeSpan.FromMilliseconds(1));
        await payments.WorkAsync();
        Assert.Equal(QuestionStatus.Open, (await payments.TheQuestionAsync(run)).Status);
        payments.Lab.Time.Advance(TimeSpan.FromMilliseconds(1));
        await payments.WorkAsync();

        Assert.Equal(paid, payments.Paid.Count);
        Assert.Equal(status, (await payments.CheckedAsync(run)).Status);
        if (result is not null)
            Assert.Equal(result, Assert.Single(await payments.ResultsAsync(run)));
        QuestionInfo question = await payments.ClosedAsync(run, "approve-1.0");
        Assert.Equal((QuestionStatus.Expired, answer, QuestionRules.Expiry), (question.Status, question.Answer!.Value, question.Votes[^1].By));
        Assert.Equal(DecisionStatus.Expired, await payments.ApproveAsync(run, "approve-1.0"));
    }

    [Fact]
    public async Task Expiry_VoteThatIsCalledLikeIt_DoesNotKeepItFromHappening()
    {
        Payments payments = Once(5, s_pay with { ExpiresAfter = s_hour, Approvers = 2 });
        RunId run = await payments.AskAsync();
        Assert.Equal(DecisionStatus.Counted, await payments.ApproveAsync(run, "approve-1.0", with: d => d with { Id = QuestionRules.Expiry }));
        payments.Lab.Time.Advance(s_hour);
        await payments.WorkAsync();
        Assert.Equal(RunStatus.Completed, (await payments.CheckedAsync(run)).Status);
        Assert.Empty(payments.Paid);
    }

    [Fact]
    public async Task Expiry_SoonerThanTheQuestionIsWritten_Happens()
    {
        Payments payments = Once(5, s_pay with { ExpiresAfter = TimeSpan.FromTicks(1) });
        RunId run = await payments.AskAsync();
        payments.Lab.Time.Advance(TimeSpan.FromMilliseconds(1));
        await payments.WorkAsync();
        Assert.Equal(RunStatus.Completed, (await payments.CheckedAsync(run)).Status);
        Assert.Equal(QuestionStatus.Expired, (await payments.ClosedAsync(run, "approve-1.0")).Status);
    }

    [Fact]
    public async Task Expiry_OfOne_LeavesTheOthersOpen()
    {
        Payments payments = new([Pays(5, 50), FunctionModel.Says("done")],
            [s_pay with { Name = "large", Arguments = System.Text.Json.JsonElement.Parse("""{"properties":{"amount":{"minimum":10}}}""") }, s_pay with { ExpiresAfter = s_hour }]);
        RunId run = await payments.AskAsync();
        payments.Lab.Time.Advance(s_hour);
        await payments.WorkAsync();
        Assert.Equal("approve-1.1", (await payments.TheQuestionAsync(run)).Id);
        await payments.ApproveAsync(run, "approve-1.1");
        await payments.WorkAsync();
        Assert.Equal("""{"amount":50}""", Assert.Single(payments.Paid));
    }
}
