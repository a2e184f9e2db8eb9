using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.JsonSchemas;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;
using static Steward.Tests.Support.Payments;

namespace Steward.Tests.Client;

/// <summary>An approval holds for tool, arguments and definition; whoever changes one of them changes what is approved.</summary>
public sealed class EditTests
{
    private static readonly ApprovalPolicy s_pay = new() { Name = "payments", Tools = ["pay"] };
    private static readonly ApprovalPolicy s_large = new() { Name = "large", Tools = ["pay"], Roles = ["cfo"], Arguments = JsonElement.Parse("""{"properties":{"amount":{"minimum":100}}}""") };

    [Fact]
    public async Task Edit_WhatTheApproverWrote_IsWhatRuns()
    {
        Payments payments = Once(500, s_pay);
        RunId run = await payments.AskAsync();
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, "approve-1.0", with: Edit("""{"amount":5,"to":"bob"}""")));
        await payments.WorkAsync();

        Assert.Equal("""{"amount":5,"to":"bob"}""", Assert.Single(payments.Paid));
        string result = Assert.Single(await payments.ResultsAsync(run));
        Assert.StartsWith("(A person changed the arguments to {\"amount\":5,\"to\":\"bob\"}.)", result, StringComparison.Ordinal);
        Assert.EndsWith("paid", result, StringComparison.Ordinal);
        QuestionInfo question = await payments.ClosedAsync(run, "approve-1.0");
        Assert.True(question.IsEdited);
        Assert.Equal(5, question.Arguments?.GetProperty("amount").GetInt32());
        RunState state = await payments.CheckedAsync(run);
        ToolStarted started = Assert.Single((await payments.Lab.JournalAsync(run)).Select(e => e.Event).OfType<ToolStarted>());
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Equal(CanonicalJson.Sha256Hex(JsonElement.Parse("""{"to":"bob","amount":5}""")), started.ArgumentsHash);
    }

    [Theory]
    [InlineData("""{"amount":0}""")]
    [InlineData("""{"amount":5,"note":"hi"}""")]
    [InlineData("""[5]""")]
    public async Task Edit_NotOfTheToolsSchema_IsRefusedBeforeAnything(string arguments)
    {
        Payments payments = Once(500, s_pay);
        RunId run = await payments.AskAsync();
        StewardException refused = await Assert.ThrowsAsync<StewardException>(() => payments.ApproveAsync(run, "approve-1.0", with: Edit(arguments)));
        Assert.Contains("The edited arguments of 'pay' are not valid", refused.Message, StringComparison.Ordinal);
        Assert.Equal(QuestionStatus.Open, (await payments.TheQuestionAsync(run)).Status);
    }

    [Fact]
    public async Task Edit_WithARefusal_IsRefused()
    {
        Payments payments = Once(500, s_pay);
        RunId run = await payments.AskAsync();
        await Assert.ThrowsAsync<StewardException>(async () => await payments.DecideAsync(run, "approve-1.0", Answer.Deny, with: Edit("""{"amount":5}""")));
    }

    [Fact]
    public async Task Edit_InAQuorum_EarlierApprovalsDoNotHoldForIt()
    {
        Payments payments = Once(500, s_pay with { Approvers = 2 });
        RunId run = await payments.AskAsync();
        QuestionInfo before = await payments.TheQuestionAsync(run);
        Assert.Equal(DecisionStatus.Counted, await payments.ApproveAsync(run, "approve-1.0", "ana", d => d with { Id = "d1" }));
        Assert.Equal(DecisionStatus.Counted, await payments.ApproveAsync(run, "approve-1.0", "ben", Edit("""{"amount":5}""")));
        // Ana's first word, sent again, is no word on what Ben made of it.
        Assert.Equal(DecisionStatus.Duplicate, await payments.ApproveAsync(run, "approve-1.0", "ana", d => d with { Id = "d1" }));
        Assert.Equal(DecisionStatus.Changed, await payments.ApproveAsync(run, "approve-1.0", "ana", d => d with { Binding = before.Binding }));
        Assert.Equal(DecisionStatus.AlreadyVoted, await payments.ApproveAsync(run, "approve-1.0", "ben", Edit("""{"amount":5}""")));
        QuestionInfo after = await payments.TheQuestionAsync(run);
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, "approve-1.0", "ana", d => d with { Binding = after.Binding }));
        await payments.WorkAsync();

        Assert.Equal("""{"amount":5}""", Assert.Single(payments.Paid));
        Assert.Equal("ben, ana", Assert.Single((await payments.Lab.JournalAsync(run)).Select(e => e.Event).OfType<QuestionAnswered>()).By);
    }

    [Fact]
    public async Task Edit_ThenExpiryWithApproval_ApprovesTheEdit()
    {
        Payments payments = Once(500, s_pay with { Approvers = 2, ExpiresAfter = TimeSpan.FromHours(1), Default = Answer.Approve });
        RunId run = await payments.AskAsync();
        await payments.ApproveAsync(run, "approve-1.0", "ben", Edit("""{"amount":5}"""));
        payments.Lab.Time.Advance(TimeSpan.FromHours(1));
        await payments.WorkAsync();
        Assert.Equal("""{"amount":5}""", Assert.Single(payments.Paid));
    }

    [Fact]
    public async Task Edit_IntoAStricterPolicy_IsAskedUnderThatOne()
    {
        Payments payments = Once(50, s_large, s_pay);
        RunId run = await payments.AskAsync();
        Assert.Equal("payments", (await payments.TheQuestionAsync(run)).Policy);
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, "approve-1.0", "ana", Edit("""{"amount":5000}""")));
        await payments.WorkAsync();

        Assert.Empty(payments.Paid);
        QuestionInfo question = await payments.TheQuestionAsync(run);
        Assert.Equal(("approve-1.0-2", "large", 5_000), (question.Id, question.Policy, question.Arguments!.Value.GetProperty("amount").GetInt32()));
        Assert.Equal(DecisionStatus.NotAllowed, await payments.ApproveAsync(run, question.Id));
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, question.Id, "cleo", d => d with { Roles = ["cfo"] }));
        await payments.WorkAsync();
        Assert.Equal("""{"amount":5000}""", Assert.Single(payments.Paid));
    }

    [Fact]
    public async Task Migrated_ApprovalIsAskedAgain()
    {
        Payments before = new([Pays(5), Says("done")], [s_pay]);
        RunId run = await before.AskAsync();
        Payments after = await MigrateAsync(before, run, "2");
        Assert.Equal(DecisionStatus.Accepted, await after.ApproveAsync(run, "approve-1.0"));
        await after.WorkAsync();
        Assert.Empty(after.Paid);
        Assert.Equal("approve-1.0-2", (await after.TheQuestionAsync(run)).Id);
        await after.ApproveAsync(run, "approve-1.0-2");
        await after.WorkAsync();
        Assert.Single(after.Paid);
        Assert.Empty(before.Paid);
        Assert.Equal(RunStatus.Completed, (await after.CheckedAsync(run)).Status);
    }

    [Fact]
    public async Task Migrated_EditApprovedUnderTheOldDefinition_IsAskedAgain()
    {
        Payments before = new([Pays(5), Says("done")], [s_pay]);
        RunId run = await before.AskAsync();
        Payments after = Successor(before, "2");
        await SendAsync(after, run);
        // The move is in the inbox, and the run has not heard of it: what is approved is approved for the old definition.
        Assert.Equal(DecisionStatus.Accepted, await after.ApproveAsync(run, "approve-1.0", with: Edit("""{"amount":7}""")));
        await after.WorkAsync();
        Assert.Empty(after.Paid);
        QuestionInfo again = await after.TheQuestionAsync(run);
        Assert.Equal(7, again.Arguments!.Value.GetProperty("amount").GetInt32());
        await after.ApproveAsync(run, again.Id);
        await after.WorkAsync();
        Assert.Equal("""{"amount":7}""", Assert.Single(after.Paid));
    }

    [Fact]
    public async Task Migrated_ThereAndBackAgain_EachQuestionHasAnIdOfItsOwn()
    {
        Payments first = new([Pays(5), Says("done")], [s_pay]);
        RunId run = await first.AskAsync();
        Payments here = first;
        for (int round = 1; round <= 4; round++)
        {
            Payments there = Successor(here, round % 2 == 1 ? "2" : "1");
            await SendAsync(there, run);
            await there.ApproveAsync(run, Assert.Single(await there.OpenAsync(run)).Id);
            await there.WorkAsync();
            Assert.Equal($"approve-1.0-{round + 1}", (await there.TheQuestionAsync(run)).Id);
            Assert.Empty(there.Paid);
            here = there;
        }

        await here.ApproveAsync(run, "approve-1.0-5");
        await here.WorkAsync();
        Assert.Single(here.Paid);
    }

    private static Func<Decision, Decision> Edit(string arguments) => d => d with { Arguments = JsonElement.Parse(arguments) };

    private static Payments Successor(Payments before, string version) =>
        new([Pays(5), Says("done")], [s_pay], before.Lab.Store, before.Lab.Time, version);

    private static async Task<Payments> MigrateAsync(Payments before, RunId run, string version)
    {
        Payments after = Successor(before, version);
        await SendAsync(after, run);
        await after.WorkAsync();
        return after;
    }

    private static async Task SendAsync(Payments to, RunId run)
    {
        await to.Lab.Store.PutAsync(new Blob(to.Lab.Agent.Hash, to.Lab.Agent.Json), TestContext.Current.CancellationToken);
        await to.Lab.Store.SignalAsync(new Signal(Guid.NewGuid().ToString("n"), run, new MigrateSignal(to.Lab.Agent.Version, to.Lab.Agent.Hash, "ana", null)), TestContext.Current.CancellationToken);
    }
}
