using System.Text.Json;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;
using Steward.Testing;

namespace Steward.Tests.Client.Contract;

public sealed class QuestionDocumentTests
{
    [Fact]
    public void ArgumentViews_OfACall_NameEachAndMarkWhatIsShortened()
    {
        string body = new('x', 500);
        QuestionDocument document = QuestionDocument.Of(Question(JsonSerializer.SerializeToElement(new { to = "Ștefan", amount = 5, body })));

        Assert.Equal(["to", "amount", "body"], document.ArgumentViews!.Select(v => v.Name));
        Assert.Equal([("\"Ștefan\"", false), ("5", false)], document.ArgumentViews!.Take(2).Select(v => (v.Text, v.Shortened)));
        Assert.Equal(($"\"{body[..159]}\"… (+341 characters)", true), (document.ArgumentViews![2].Text, document.ArgumentViews[2].Shortened));
        Assert.Equal(body, document.Arguments?.GetProperty("body").GetString());
        Assert.Equal($"\"{body}\"", ArgumentView.Whole(document.Arguments!.Value)[2].Text);
    }

    [Fact]
    public void ArgumentViews_AnEndlessName_IsShortenedToo()
    {
        var arguments = JsonElement.Parse($$"""{"{{new string('n', 300)}}":1}""");
        ArgumentView view = Assert.Single(QuestionDocument.Of(Question(arguments)).ArgumentViews!);
        Assert.True(view.Shortened);
        Assert.EndsWith("… (+140 characters)", view.Name, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_OfAnEditedCall_NamesWhatRunsNow()
    {
        QuestionInfo edited = Question(JsonElement.Parse("""{"amount":5}""")) with { IsEdited = true };
        Assert.Equal("May 'pay' be called with {\"amount\": 5}?", QuestionDocument.Of(edited).Text);
    }

    [Fact]
    public void Json_OfADocument_IsReadableAndHidesNothing()
    {
        QuestionInfo question = Question(JsonElement.Parse("""{"to":"\u0219 \u4f60\u597d \ud83d\ude00 <b> \u0022 \u202e \u200b \u001b"}"""));
        string json = JsonSerializer.Serialize(QuestionDocument.Of(question), ContractJson.Compact<QuestionDocument>());

        Assert.Contains("""{"to":"ș 你好 😀 <b> \" \u202e \u200b \u001b"}""", json, StringComparison.Ordinal);
        Assert.Equal("ș 你好 😀 <b> \" \u202e \u200b \u001b", JsonElement.Parse(json).GetProperty("arguments").GetProperty("to").GetString());
    }

    [Fact]
    public void Json_OfAnEvent_IsSpelledReadablyAndMeansTheSame()
    {
        var run = RunId.New(new ManualTimeProvider());
        JournalEntry entry = JournalEntry.Create(
            run, 1, JournalEntry.Origin, new GuidanceAdded(Guidance.BadPlan, "ș 你好 😀 \"x\" \u202E"), DateTimeOffset.UnixEpoch);
        string json = JsonSerializer.Serialize(EventDocument.Of(entry), ContractJson.Compact<EventDocument>());

        Assert.Contains("ș 你好 😀 \\\"x\\\" \\u202e", json, StringComparison.Ordinal);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(entry.Payload.Span), JsonElement.Parse(json).GetProperty("data")));
    }

    private static QuestionInfo Question(JsonElement arguments) => new()
    {
        Run = RunId.New(new ManualTimeProvider()),
        Id = "approve-1.0",
        Tenant = "default",
        Agent = "tester",
        Kind = QuestionKind.Approval,
        Text = "May 'pay' be called with {\"amount\": 500}?",
        Tool = "pay",
        Arguments = arguments,
        AskedAt = DateTimeOffset.UnixEpoch,
    };
}
