using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Client;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Storage;

/// <summary>What comes in must be what every later reader can represent.</summary>
public sealed class InputRulesTests
{
    private static readonly string s_half = ((char)0xD800).ToString();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Poison => [s_half, "a\0b", "x" + (char)0xDC00];

    [Theory]
    [InlineData("image/png", true)]
    [InlineData("text/plain; charset=utf-8", true)]
    [InlineData("text/plain;charset=\"utf 8\"", true)]
    [InlineData("application/vnd.api+json", true)]
    [InlineData("x\nerror: forged", false)]
    [InlineData("", false)]
    [InlineData("image", false)]
    [InlineData("image/", false)]
    [InlineData("/png", false)]
    [InlineData("image/png;", false)]
    [InlineData("image/png; =x", false)]
    [InlineData("image/pñg", false)]
    [InlineData("image/png\r\nX: y", false)]
    [InlineData("text/plain; a=\"b\\\"", false)]
    public void MediaType_OnlyWhatIsOne(string mediaType, bool isOne)
    {
        if (isOne)
            InputRules.CheckInput("input", [new DataPart(mediaType, [1])]);
        else
            Assert.Equal("input[0].mediaType", Assert.Throws<InvalidInputException>(() => InputRules.CheckInput("input", [new DataPart(mediaType, [1])])).Field);
    }

    /// <summary>What the door lets in, the fold must be able to make a message of.</summary>
    [Fact]
    public void MediaType_WhatIsLetIn_IsOneForTheMessagesToo()
    {
        var random = new Random(13);
        const string Letters = "ab/;= \"-+.*é\n\\,\t";
        int let = 0;
        for (int i = 0; i < 200_000; i++)
        {
            string text = random.Next(2) == 0 ? "a/b" : "";
            for (int n = random.Next(8); n > 0; n--)
                text += Letters[random.Next(Letters.Length)];
            try
            {
                InputRules.CheckInput("input", [new DataPart(text, [1])]);
            }
            catch (InvalidInputException)
            {
                continue;
            }

            let++;
            _ = new DataContent(new byte[] { 1 }, text);
            _ = new UriContent(new Uri("https://example.com/"), text);
        }

        Assert.True(let > 100, $"{let}");
    }

    [Theory]
    [MemberData(nameof(Poison))]
    public async Task Doors_PoisonedText_IsRefusedWithItsField(string poison)
    {
        var lab = new Lab(Script(Says("done")), Harness.Agent().Build());
        IStewardClient client = lab.Client();
        RunId run = await lab.StartAsync();
        RunHandle handle = lab.Handle(run);
        (string Field, Func<Task> Call)[] doors =
        [
            ("input[0].text", () => client.StartAsync(lab.Agent.Name, new RunRequest(poison), Token)),
            ("input[0].mediaType", () => client.StartAsync(lab.Agent.Name, new RunRequest([new DataPart(poison, [1])]), Token)),
            ("user", () => Start(new RunRequest("Hi") { User = poison })),
            ("by", () => Start(new RunRequest("Hi") { By = poison })),
            ("session", () => Start(new RunRequest("Hi") { Session = poison })),
            ("key", () => Start(new RunRequest("Hi") { Key = poison })),
            ("tenant", () => Start(new RunRequest("Hi") { Tenant = poison })),
            ("input[0].text", () => handle.SendAsync(poison, cancellationToken: Token).AsTask()),
            ("id", () => handle.SendAsync("Hi", poison, Token).AsTask()),
            ("by", () => handle.CancelAsync(poison, cancellationToken: Token).AsTask()),
            ("reason", () => handle.CancelAsync("ann", poison, cancellationToken: Token).AsTask()),
            ("name", () => handle.SignalAsync(poison, cancellationToken: Token).AsTask()),
            ("payload", () => handle.SignalAsync("go", poison, cancellationToken: Token).AsTask()),
            ("by", () => handle.AnswerAsync("q1", Answer.Approve, poison, cancellationToken: Token).AsTask()),
            ("note", () => handle.AnswerAsync("q1", Answer.Approve, "ann", note: poison, cancellationToken: Token).AsTask()),
            ("result", () => handle.AnswerAsync("q1", Answer.Reply, "ann", result: poison, cancellationToken: Token).AsTask()),
            ("question", () => handle.AnswerAsync(poison, Answer.Approve, "ann", cancellationToken: Token).AsTask()),
            ("assignee", () => handle.ReassignAsync("q1", "ann", poison, cancellationToken: Token).AsTask()),
            ("roles[0]", () => handle.ReassignAsync("q1", "ann", "ben", [poison], cancellationToken: Token).AsTask()),
            ("comment", () => handle.AddFeedbackAsync("ann", comment: poison, cancellationToken: Token).AsTask()),
            ("by", () => handle.AddFeedbackAsync(poison, 1, cancellationToken: Token).AsTask()),
            ("reason", () => client.EngageAsync(new KillSwitch("global", "ann", poison, lab.Time.GetUtcNow()), Token)),
            ("scope", () => client.EngageAsync(new KillSwitch($"tenant:{poison}", "ann", null, lab.Time.GetUtcNow()), Token)),
            ("session", () => lab.Store.FindAsync(new RunQuery { Session = poison }, Token).AsTask()),
            ("scope", () => lab.Store.SetCeilingsAsync(BudgetScope.ForTenant(poison), BudgetCeilings.None, Token).AsTask()),
        ];
        foreach ((string field, Func<Task> call) in doors)
            Assert.Equal(field, (await Assert.ThrowsAsync<InvalidInputException>(call)).Field);
        Assert.Single(await lab.Store.FindAsync(new RunQuery(), Token));

        Task Start(RunRequest request) => client.StartAsync(lab.Agent.Name, request, Token);
    }

    [Fact]
    public void Input_PartsOfAModel_AreNoUsers()
    {
        ContentPart[] foreign =
        [
            new CallPart("1", "pay", null), new ReasoningPart("hm", null), new OpaquePart(), null!, new TextPart(null!),
            new TextPart("x") { Opaque = new Opaque("o") }, new UriPart("image/png", new Uri("a/b", UriKind.Relative)),
        ];
        foreach (ContentPart part in foreign)
            Assert.StartsWith("input[0]", Assert.Throws<InvalidInputException>(() => InputRules.CheckInput("input", [part])).Field, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"a":[1,{"b":"\ud800"}]}""", "a[1].b")]
    [InlineData("""{"a":"x\u0000"}""", "a")]
    [InlineData("""{"a":{"x\udc00":1}}""", "a")]
    [InlineData("""{"a":{"b":1,"\u0062":2}}""", "a")]
    [InlineData("""["ok","\ud83d\ude00","\ud83d"]""", "[2]")]
    public void Json_FaultAnywhere_IsNamed(string json, string field) =>
        Assert.Equal(field, Assert.Throws<InvalidInputException>(() => InputRules.CheckJson("", Encoding.UTF8.GetBytes(json))).Field);

    [Fact]
    public void Json_InvalidUtf8_IsNamed()
    {
        byte[] json = [.. "{\"a\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        Assert.Equal("a", Assert.Throws<InvalidInputException>(() => InputRules.CheckJson("", json)).Field);
    }

    [Fact]
    public void Json_Depth_IsBounded()
    {
        static string Deep(int levels) => new string('[', levels) + new string(']', levels);
        InputRules.CheckJson("arguments", JsonElement.Parse(Deep(48)));
        Assert.Contains("48 levels", Assert.Throws<InvalidInputException>(() => InputRules.CheckJson("arguments", JsonElement.Parse(Deep(49)))).Message, StringComparison.Ordinal);
    }

    /// <summary>A model is a door too: what it writes where nobody could read it is answered, not journaled.</summary>
    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]")]
    public async Task Model_ArgumentsThatAreNone_AreAnsweredAndTheRunEnds(string json)
    {
        var call = new FunctionCallContent("c1", "ping", new Dictionary<string, object?> { ["q"] = JsonElement.Parse(json) });
        ChatResponse asks = new(new ChatMessage(ChatRole.Assistant, [call])) { FinishReason = ChatFinishReason.ToolCalls, Usage = Says("").Usage };
        var lab = new Lab(Script(asks, Says("done")), Harness.Agent(Harness.Tool("ping", _ => "pong")).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        RunState state = await lab.StateAsync(run);
        Assert.Equal((RunStatus.Completed, "done"), (state.Status, state.LastText));
    }
}
