using System.Text.Json;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.TimeTravel;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Client;

/// <summary>What people are asked about a call is what runs, in an order and a spelling that they can read.</summary>
public sealed class AskedArgumentsTests
{
    [Fact]
    public async Task Question_ArgumentsInTheModelsOrder_AreAskedInTheSchemas()
    {
        var payments = new Payments([Calls_(("pay", new { to = "Ștefan \u202E", amount = 5 })), Says("done")], [new() { Name = "payments", Tools = ["pay"] }]);
        RunId run = await payments.AskAsync();
        QuestionInfo question = await payments.TheQuestionAsync(run);

        Assert.Equal(["amount", "to"], question.Arguments!.Value.EnumerateObject().Select(p => p.Name));
        Assert.Equal("""May 'pay' be called with {"amount": 5, "to": "Ștefan \u202e"}?""", question.Text);
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, question.Id, with: d => d with { Binding = question.Binding }));
        await payments.WorkAsync();
        Assert.True(JsonElement.DeepEquals(question.Arguments.Value, JsonElement.Parse(Assert.Single(payments.Paid))));
        Assert.Equal(RunStatus.Completed, (await payments.CheckedAsync(run)).Status);
    }

    [Fact]
    public async Task Edit_InAnotherOrder_IsAskedInTheSchemas()
    {
        var payments = new Payments([Payments.Pays(500), Says("done")], [new() { Name = "payments", Tools = ["pay"], Approvers = 2 }]);
        RunId run = await payments.AskAsync();
        Assert.Equal(
            DecisionStatus.Counted,
            await payments.ApproveAsync(run, "approve-1.0", "ben", d => d with { Arguments = JsonElement.Parse("""{"to":"bob","amount":5}""") }));
        QuestionInfo edited = await payments.TheQuestionAsync(run);

        Assert.Equal("""{"amount":5,"to":"bob"}""", edited.Arguments?.GetRawText());
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, "approve-1.0", "ana", d => d with { Binding = edited.Binding }));
        await payments.WorkAsync();
        Assert.Equal("""{"amount":5,"to":"bob"}""", Assert.Single(payments.Paid));
    }

    [Fact]
    public void Replay_AQuestionThatAnEarlierVersionSpelledOtherwise_IsTheSame()
    {
        QuestionAsked recorded = Asked("""{"to":"\u0219","amount":5}""", """May 'pay' be called with {"to":"\u0219","amount":5}?""");
        QuestionAsked now = Asked("""{"amount":5,"to":"ș"}""", """May 'pay' be called with {"amount": 5, "to": "ș"}?""");

        Assert.True(ReplayEquality.Same(recorded, now));
        Assert.False(ReplayEquality.Same(recorded, Asked("""{"amount":6,"to":"ș"}""", now.Text)));
        Assert.False(ReplayEquality.Same(
            recorded with { Kind = QuestionKind.UserInput }, recorded with { Kind = QuestionKind.UserInput, Text = "Something else?" }));
    }

    private static QuestionAsked Asked(string arguments, string text) =>
        new() { Id = "approve-1.0", Kind = QuestionKind.Approval, Text = text, Tool = "pay", Binding = "b", Arguments = JsonElement.Parse(arguments) };
}
