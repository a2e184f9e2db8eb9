using Steward.Declarative;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;
using Steward.Testing;
using Steward.Testing.Scripting;

namespace Steward.Tests.Testing;

public sealed class ScriptedChatClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Scripted_Always_NamesItselfAsScripted()
    {
        using var client = ScriptedChatClient.Of("refund", [ScriptedTurn.Says("Hello.")]);
        var metadata = client.GetService<ChatClientMetadata>();
        Assert.Equal("scripted", metadata?.ProviderName);
        Assert.Equal("scripted:refund", metadata?.DefaultModelId);
        Assert.Equal("scripted:refund", (await AskAsync(client, User("hi"))).ModelId);
        using var other = ScriptedChatClient.From((_, _, _) => new ChatResponse { ModelId = "gpt-9" });
        Assert.Equal("scripted:function", (await AskAsync(other, User("hi"))).ModelId);
    }

    [Fact]
    public async Task Scripted_Turns_ComeInOrder()
    {
        using var client = ScriptedChatClient.Of(ScriptedTurn.Says("one"), ScriptedTurn.Says("two"));
        Assert.Equal("one", (await AskAsync(client, User("a"))).Text);
        Assert.Equal("two", (await AskAsync(client, User("a"), Says("one"), User("b"))).Text);
    }

    [Fact]
    public async Task Scripted_SameRequestAgain_SameLine()
    {
        using var client = ScriptedChatClient.Of(ScriptedTurn.Says("one"), ScriptedTurn.Says("two"));
        for (int i = 0; i < 3; i++)
            Assert.Equal("one", (await AskAsync(client, User("a"))).Text);
        Assert.Equal(3, client.Calls);
    }

    [Fact]
    public async Task Scripted_NoLine_RefusesAndSaysWhatItSaw()
    {
        using var client = ScriptedChatClient.Of("refund", [ScriptedTurn.Says("one")]);
        var error = await Assert.ThrowsAsync<ModelException>(() => AskAsync(client, User("a"), Says("one"), User("and now?")));
        Assert.Equal(ModelFailure.InvalidRequest, error.Failure);
        Assert.True(error.NotBilled);
        Assert.Equal("The script 'refund' has no line for the user message 'and now?' (answer 2 of the conversation); add one, or a turn with 'when: { default: true }'.", error.Message);
        error = await Assert.ThrowsAsync<ModelException>(() => AskAsync(client, User("a"), Calls("c1", "lookup"), Result("c1", "42")));
        Assert.Contains("the result of 'lookup' '42'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scripted_UserMatcher_OnlyWhenTheUserSpoke()
    {
        using var client = ScriptedChatClient.Of(
            ScriptedTurn.Calls("lookup") with { When = new() { User = "REFUND" }, Repeat = int.MaxValue },
            ScriptedTurn.Says("found") with { When = new() { ToolResult = "lookup" }, Repeat = int.MaxValue },
            ScriptedTurn.Says("sorry?") with { When = new() { Default = true } });
        ChatMessage[] chat = [User("a refund please")];
        for (int round = 0; round < 3; round++)
        {
            ChatResponse call = await AskAsync(client, chat);
            var content = Assert.IsType<FunctionCallContent>(Assert.Single(call.Messages[0].Contents));
            chat = [.. chat, call.Messages[0], Result(content.CallId, "{}")];
            ChatResponse answer = await AskAsync(client, chat);
            Assert.Equal("found", answer.Text);
            chat = [.. chat, answer.Messages[0], User("another refund")];
        }

        Assert.Equal("sorry?", (await AskAsync(client, User("weather?"))).Text);
    }

    [Fact]
    public async Task Scripted_CapturesAndGroups_FillTextsAndTypedArguments()
    {
        const string Script = """
            name: refund
            turns:
              - when: { user: { match: 'order (?<id>\d+) of (?<email>\S+@\S+)' } }
                say: "Looking up {{user.id}}."
                call: { tool: lookup, arguments: { order: "{{user.id | number}}", email: "{{user.email}}", deep: [1, "2", true, null, 1.5, "x{{user.id}}"] } }
              - when: { tool_result: lookup }
                capture: { row: "$.rows[0].id", amount: "$.rows[-1].amount" }
                call:
                  - { tool: refund, arguments: { row: "{{row}}", amount: "{{amount}}", all: "{{$.rows}}" } }
                  - { tool: notify, id: mine, arguments: { to: "{{user.email}}" } }
              - when: { tool_result: refund }
                say: "Refunded {{amount}} for row {{row}} to {{user.email}}: {{result}}"
            """;
        ChatMessage[] chat = [User("Refund order 17 of ann@example.com")];
        ChatResponse first = await AskAsync(Read(Script), chat);
        Assert.Equal("Looking up 17.", first.Text);
        Assert.Equal(ChatFinishReason.ToolCalls, first.FinishReason);
        FunctionCallContent lookup = Call(first, 0);
        Assert.Equal("call_1_0", lookup.CallId);
        Assert.Equal("""{"order":17,"email":"ann@example.com","deep":[1,"2",true,null,1.5,"x17"]}""", Json(lookup));

        // Each request goes to a client of its own: nothing but the conversation carries over, as after a crash.
        chat = [.. chat, first.Messages[0], Result(lookup.CallId, """{"rows":[{"id":"r1"},{"amount":12.50}]}""")];
        ChatResponse second = await AskAsync(Read(Script), chat);
        Assert.Equal("""{"row":"r1","amount":12.50,"all":[{"id":"r1"},{"amount":12.50}]}""", Json(Call(second, 0)));
        Assert.Equal("mine", Call(second, 1).CallId);

        chat = [.. chat, second.Messages[0], new(ChatRole.Tool, [new FunctionResultContent("call_2_0", "done"), new FunctionResultContent("mine", "sent")])];
        Assert.Equal("Refunded 12.50 for row r1 to ann@example.com: sent", (await AskAsync(Read(Script), chat)).Text);
    }

    [Fact]
    public async Task Scripted_NothingCaptured_RefusesAndNamesWhatThereIs()
    {
        using var client = ScriptedChatClient.Of(ScriptedTurn.Says("{{nobody}}"));
        var error = await Assert.ThrowsAsync<ModelException>(() => AskAsync(client, User("a")));
        Assert.Contains("nothing is captured as 'nobody'; there is 'user', 'result'", error.Message, StringComparison.Ordinal);
        using var path = ScriptedChatClient.Of(ScriptedTurn.Says("x") with { Captures = new Dictionary<string, string> { ["id"] = "$.id" } });
        error = await Assert.ThrowsAsync<ModelException>(() => AskAsync(path, User("a"), Calls("c", "t"), Result("c", "no json")));
        Assert.Equal(ModelFailure.InvalidRequest, error.Failure);
    }

    [Fact]
    public async Task Scripted_TurnAndInstructions_TellSituationsApart()
    {
        using var client = ScriptedChatClient.Of(
            ScriptedTurn.Says("verdict") with { When = new() { Instructions = "you are a judge" }, Repeat = int.MaxValue },
            ScriptedTurn.Says("second") with { When = new() { Turn = 2 } },
            ScriptedTurn.Says("other") with { When = new() { Default = true } });
        Assert.Equal("verdict", (await AskAsync(client, new ChatMessage(ChatRole.System, "You are a judge."), User("x"))).Text);
        Assert.Equal("verdict", (await client.GetResponseAsync([User("x")], new ChatOptions { Instructions = "You are a judge." }, Token)).Text);
        Assert.Equal("other", (await AskAsync(client, User("x"))).Text);
        Assert.Equal("second", (await AskAsync(client, User("x"), Says("other"), User("y"))).Text);
    }

    [Fact]
    public async Task Scripted_Stream_GivesTheSameInSeveralUpdates()
    {
        ScriptedTurn turn = ScriptedTurn.Calls(("a", """{"x":1}"""), ("b", "{}")) with { Say = new string('s', 100), Reasoning = "hm" };
        using var client = ScriptedChatClient.Of(turn);
        ChatResponse whole = await AskAsync(client, User("hi"));
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync([User("hi")], null, Token).ToListAsync(Token);
        ChatResponse joined = updates.ToChatResponse();
        Assert.True(updates.Count > 6);
        Assert.Equal(whole.Text, joined.Text);
        Assert.Equal(whole.ModelId, joined.ModelId);
        Assert.Equal(whole.FinishReason, joined.FinishReason);
        Assert.Equal(whole.Usage?.InputTokenCount, joined.Usage?.InputTokenCount);
        Assert.Equal(whole.Usage?.OutputTokenCount, joined.Usage?.OutputTokenCount);
        Assert.Equal("hm", joined.Messages[0].Contents.OfType<TextReasoningContent>().Single().Text);
        Assert.Equal(["a", "b"], joined.Messages[0].Contents.OfType<FunctionCallContent>().Select(c => c.Name));
    }

    [Fact]
    public async Task Scripted_Usage_IsReportedOrEstimated()
    {
        using var told = ScriptedChatClient.Of(ScriptedTurn.Says("x") with { Usage = new ScriptedUsage(100, 20, CacheRead: 60, CacheWrite: 10) });
        UsageDetails usage = (await AskAsync(told, User("hi"))).Usage!;
        Assert.Equal((100, 20, 120), (usage.InputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount));
        Assert.Equal(60, usage.CachedInputTokenCount);
        Assert.Equal(10, usage.AdditionalCounts?["cache_write_tokens"]);
        using var estimated = ScriptedChatClient.Of(ScriptedTurn.Says(new string('x', 40)));
        usage = (await AskAsync(estimated, User(new string('u', 80)))).Usage!;
        Assert.Equal((20, 10), (usage.InputTokenCount, usage.OutputTokenCount));
        using var unknown = ScriptedChatClient.Of(ScriptedTurn.Says("x") with { Fault = new(ScriptedFaultKind.UnknownUsage) });
        Assert.Null((await AskAsync(unknown, User("hi"))).Usage);
    }

    [Fact]
    public async Task Scripted_MaxOutput_CutsTheTextAsAModelWould()
    {
        using var client = ScriptedChatClient.Of(ScriptedTurn.Says(new string('x', 400)));
        ChatResponse response = await client.GetResponseAsync([User("hi")], new ChatOptions { MaxOutputTokens = 10 }, Token);
        Assert.Equal(40, response.Text.Length);
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Equal(10, response.Usage?.OutputTokenCount);
    }

    [Theory]
    [InlineData(ScriptedFaultKind.Overloaded, ModelFailure.Overloaded, 529, true)]
    [InlineData(ScriptedFaultKind.RateLimited, ModelFailure.RateLimited, 429, true)]
    [InlineData(ScriptedFaultKind.Timeout, ModelFailure.Timeout, null, false)]
    [InlineData(ScriptedFaultKind.ServerError, ModelFailure.Unavailable, 500, false)]
    [InlineData(ScriptedFaultKind.CutStream, ModelFailure.StreamInterrupted, null, false)]
    public async Task Scripted_Fault_FailsSoOftenThenAnswers(ScriptedFaultKind kind, ModelFailure failure, int? status, bool notBilled)
    {
        var fault = new ScriptedFault(kind) { Times = 2, RetryAfter = TimeSpan.FromSeconds(3) };
        using var client = ScriptedChatClient.Of(ScriptedTurn.Says("at last") with { Fault = fault });
        for (int i = 0; i < 2; i++)
        {
            var error = await Assert.ThrowsAsync<ModelException>(() => AskAsync(client, User("hi")));
            Assert.Equal((failure, status, notBilled), (error.Failure, error.StatusCode, error.NotBilled));
            Assert.Equal(status is null ? null : TimeSpan.FromSeconds(3), error.RetryAfter);
        }

        Assert.Equal("at last", (await AskAsync(client, User("hi"))).Text);
    }

    [Fact]
    public async Task Scripted_FaultWithoutTimes_OnceBeforeAnAnswerOtherwiseAlways()
    {
        using var once = ScriptedChatClient.Of(ScriptedTurn.Says("ok") with { Fault = new(ScriptedFaultKind.Overloaded) });
        await Assert.ThrowsAsync<ModelException>(() => AskAsync(once, User("hi")));
        Assert.Equal("ok", (await AskAsync(once, User("hi"))).Text);
        using var always = ScriptedChatClient.Of(ScriptedTurn.Fails(ScriptedFaultKind.ServerError));
        for (int i = 0; i < 3; i++)
            await Assert.ThrowsAsync<ModelException>(() => AskAsync(always, User("hi")));
    }

    [Fact]
    public async Task Scripted_CutStream_BreaksHalfWay()
    {
        using var client = ScriptedChatClient.Of(ScriptedTurn.Says(new string('x', 240)) with { Fault = new(ScriptedFaultKind.CutStream) });
        int updates = 0;
        var error = await Assert.ThrowsAsync<ModelException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync([User("hi")], null, Token))
                updates++;
        });
        Assert.Equal(ModelFailure.StreamInterrupted, error.Failure);
        Assert.Equal(5, updates);
        Assert.Equal(240, (await client.GetStreamingResponseAsync([User("hi")], null, Token).ToListAsync(Token)).ToChatResponse().Text.Length);
    }

    [Fact]
    public async Task Scripted_MalformedArguments_ComeAsTheProvidersGiveThem()
    {
        using var client = ScriptedChatClient.Of(ScriptedTurn.Calls("t", """{"a":1}""") with { Fault = new(ScriptedFaultKind.MalformedArguments) });
        FunctionCallContent call = Call(await AskAsync(client, User("hi")), 0);
        Assert.NotNull(call.Exception);
        Assert.Equal("""{"a":1""", call.AdditionalProperties?["raw_arguments"]);
        Assert.NotNull(Call(await AskAsync(client, User("hi")), 0).Exception);
    }

    [Fact]
    public async Task Scripted_Hang_EndsOnlyWhenCancelled()
    {
        var time = new ManualTimeProvider();
        using var client = ScriptedChatClient.Of("test", [ScriptedTurn.Fails(ScriptedFaultKind.Hang)], time);
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task<ChatResponse> response = client.GetResponseAsync([User("hi")], null, source.Token);
        time.Advance(TimeSpan.FromDays(1));
        Assert.False(response.IsCompleted);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => response);
    }

    [Fact]
    public async Task Scripted_Delay_GoesByTheClientsClock()
    {
        var time = new ManualTimeProvider();
        using var client = ScriptedChatClient.Of("test", [ScriptedTurn.Says("late") with { Delay = TimeSpan.FromSeconds(2) }], time);
        Task<ChatResponse> response = client.GetResponseAsync([User("hi")], null, Token);
        Assert.False(response.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("late", (await response).Text);
    }

    [Fact]
    public async Task Scripted_Function_SeesMessagesOptionsAndNumber()
    {
        using var client = ScriptedChatClient.From((messages, options, call) => ScriptedTurn.Says($"{messages.Count} {options?.Temperature} {call} {{{{user}}}}"));
        await AskAsync(client, User("a"));
        ChatResponse response = await client.GetResponseAsync([User("a"), User("b")], new ChatOptions { Temperature = 1 }, Token);
        Assert.Equal("2 1 2 b", response.Text);
    }

    [Fact]
    public async Task Scripted_ManyConversationsAtOnce_EachFollowsItsOwn()
    {
        using var client = ScriptedChatClient.Of(ScriptedTurn.Says("one {{user}}"), ScriptedTurn.Says("two {{user}}"));
        await Parallel.ForEachAsync(Enumerable.Range(0, 50), Token, async (i, _) =>
        {
            ChatResponse first = await AskAsync(client, User($"u{i}"));
            Assert.Equal($"one u{i}", first.Text);
            Assert.Equal($"two v{i}", (await AskAsync(client, User($"u{i}"), first.Messages[0], User($"v{i}"))).Text);
        });
    }

    private static ScriptedChatClient Read(string yaml) => ScriptFile.Parse(yaml);

    private static Task<ChatResponse> AskAsync(ScriptedChatClient client, params ChatMessage[] messages) => client.GetResponseAsync(messages, null, Token);

    private static ChatMessage User(string text) => new(ChatRole.User, text);

    private static ChatMessage Says(string text) => new(ChatRole.Assistant, text);

    private static ChatMessage Calls(string id, string tool) => new(ChatRole.Assistant, [new FunctionCallContent(id, tool)]);

    private static ChatMessage Result(string id, string result) => new(ChatRole.Tool, [new FunctionResultContent(id, result)]);

    private static FunctionCallContent Call(ChatResponse response, int index) =>
        response.Messages[0].Contents.OfType<FunctionCallContent>().ElementAt(index);

    private static string Json(FunctionCallContent call)
    {
        Assert.All(call.Arguments!.Values, v => Assert.IsType<JsonElement>(v));
        return "{" + string.Join(",", call.Arguments.Select(a => $"\"{a.Key}\":{((JsonElement)a.Value!).GetRawText()}")) + "}";
    }
}
