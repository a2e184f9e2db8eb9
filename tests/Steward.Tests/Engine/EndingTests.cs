using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>Only a known good ending of the model's message completes a run; each other one is an outcome of its own.</summary>
public sealed class EndingTests
{
    [Theory]
    [InlineData("content_filter")]
    [InlineData("refusal")]
    public async Task Refused_AfterPartOfTheAnswer_FailsWithThatPart(string finish)
    {
        await using Harness harness = New(Script(Ends("The first half", finish)));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Failed, Reasons.ModelRefused, "The first half"), (result.Status, result.Reason, result.Output));
        Assert.Equal(110, result.Spent.Tokens);
    }

    [Fact]
    public async Task Refused_WithCalls_NoneIsMade()
    {
        int made = 0;
        ChatResponse filtered = Calls_(("wipe", new { }));
        filtered.FinishReason = ChatFinishReason.ContentFilter;
        await using Harness harness = New(Script(filtered), Harness.Tool("wipe", _ => $"{++made}", ToolEffect.Unsafe));

        Assert.Equal(Reasons.ModelRefused, (await harness.RunAsync("go")).Reason);
        Assert.Equal(0, made);
    }

    [Fact]
    public async Task CutOff_WithCalls_NoneIsMadeAndTheModelIsTold()
    {
        int made = 0;
        ChatResponse cut = Calls_(("wipe", new { a = 1 }), ("wipe", new { a = 2 }));
        cut.FinishReason = ChatFinishReason.Length;
        await using Harness harness = New(Script(cut, Says("done")), Harness.Tool("wipe", _ => $"{++made}", ToolEffect.Unsafe));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal(("done", 0), (result.Output, made));
        Assert.All((await harness.EventsAsync(result.Run)).OfType<ToolRejected>(), r => Assert.Equal(ToolRejection.Truncated, r.Reason));
    }

    [Fact]
    public async Task OutputLimit_UsedUpByReasoning_IsNamedAndNotPaidForAgainAndAgain()
    {
        var model = Script(Ends(null, "length"));
        await using Harness harness = New(model);

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Failed, Reasons.OutputLimit, 2), (result.Status, result.Reason, model.Calls));
        GuidanceAdded told = Assert.Single((await harness.EventsAsync(result.Run)).OfType<GuidanceAdded>());
        Assert.Contains("output limit", told.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnnouncedCall_ThatDidNotCome_IsAskedForAgain()
    {
        await using Harness harness = New(Script(Ends("I look it up.", "tool_calls"), Says("done")));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal("done", result.Output);
        Assert.Equal(Guidance.MissingCall, Assert.Single((await harness.EventsAsync(result.Run)).OfType<GuidanceAdded>()).Reason);
    }

    [Fact]
    public async Task WhiteSpace_IsAnEmptyAnswerAndIsNotSentBack()
    {
        List<IReadOnlyList<ChatMessage>> seen = [];
        await using Harness harness = New(new FunctionModel((messages, _) =>
        {
            seen.Add([.. messages]);
            return seen.Count == 1 ? Says(" \n\n") : Says("done");
        }));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal("done", result.Output);
        Assert.Equal(Guidance.EmptyAnswer, Assert.Single((await harness.EventsAsync(result.Run)).OfType<GuidanceAdded>()).Reason);
        Assert.DoesNotContain(seen[1], m => m.Role == ChatRole.Assistant);
    }

    [Fact]
    public async Task Paused_GoesOnWithTheMessageAsItIs()
    {
        IReadOnlyList<ChatMessage>? seen = null;
        await using Harness harness = New(new FunctionModel((messages, _) =>
        {
            seen = [.. messages];
            return messages.Any(m => m.Role == ChatRole.Assistant) ? Says("done") : Ends("Let me search", "paused");
        }));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, "done"), (result.Status, result.Output));
        Assert.Equal((ChatRole.Assistant, "Let me search"), (seen![^1].Role, seen[^1].Text));
    }

    [Theory]
    [InlineData("content_filter", "half")]
    [InlineData("stop", "  ")]
    [InlineData("length", "")]
    public async Task Child_WithABadEnding_ItsParentHearsOfAFailure(string finish, string text)
    {
        string? heard = null;
        await using Harness harness = New(
            new FunctionModel((messages, _) =>
            {
                if (!messages.Any(m => m.Text.Contains("go, parent", StringComparison.Ordinal)))
                    return Ends(text, finish);
                heard = messages.SelectMany(m => m.Contents).OfType<FunctionResultContent>().FirstOrDefault()?.Result?.ToString();
                return heard is null ? Calls_(("again", new { task = "part of it" })) : Says("I know.");
            }),
            BuiltInTools.Agent("tester", "Does a part.", "again"));

        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go, parent"), TestContext.Current.CancellationToken);
        RunResult result = await run.WaitAsync(TestContext.Current.CancellationToken);

        Assert.Equal("I know.", result.Output);
        Assert.Contains("did not complete", heard, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-100L, 10L, 0L)]
    [InlineData(100L, -1L, 0L)]
    [InlineData(long.MaxValue, long.MaxValue, 0L)]
    [InlineData(100L, 10L, -50L)]
    public void Usage_ThatCannotBe_IsNotBelieved(long input, long output, long cached) =>
        Assert.Null(AnswerReader.Usage(new UsageDetails { InputTokenCount = input, OutputTokenCount = output, CachedInputTokenCount = cached }));

    [Fact]
    public void Usage_MoreFromTheCacheThanWasRead_CountsTheMore() =>
        Assert.Equal(500, AnswerReader.Usage(new UsageDetails { InputTokenCount = 100, OutputTokenCount = 1, CachedInputTokenCount = 500 })!.Input);

    /// <summary>What a provider wants back goes through the journal and a snapshot as it came.</summary>
    [Fact]
    public void Opaque_ThroughTheJournalAndASnapshot_StaysAsItCame()
    {
        var opaque = new Opaque("chat a m", """{"extra_content":{"google":{"thought_signature":"c2ln\ud83d"}}}""");
        var call = new FunctionCallContent("c1", "find", new Dictionary<string, object?> { ["q"] = "é" })
        {
            AdditionalProperties = new() { [OpaqueContent.RawArguments] = "{ \"q\": \"é\" }" },
        };
        ChatResponse response = new(new ChatMessage(ChatRole.Assistant, [new OpaqueContent(opaque), OpaqueContent.Attach(call, opaque)]));
        IReadOnlyList<ContentPart> live = AnswerReader.Parts(response, turn: 1);
        var returned = new ModelReturned { Turn = 1, Attempt = 1, Content = live, Settled = default };

        var read = (ModelReturned)EventWire.Read("model.returned", EventWire.Write(returned));
        ChatMessage message = MessageMapper.Assistant(read.Content);
        ChatMessage restored = MessageMapper.Restore(MessageMapper.Keep(message));

        Assert.Equal(MessageMapper.Chain(default, MessageMapper.Assistant(live)), MessageMapper.Chain(default, message));
        Assert.Equal(MessageMapper.Chain(default, message), MessageMapper.Chain(default, restored));
        Assert.All(restored.Contents, c => Assert.Equal(opaque, OpaqueContent.Of(c)));
        Assert.Equal("{ \"q\": \"é\" }", restored.Contents[1].AdditionalProperties![OpaqueContent.RawArguments]);
    }

    private static ChatResponse Ends(string? text, string finish)
    {
        ChatResponse response = Says(text ?? "");
        response.FinishReason = new ChatFinishReason(finish);
        return response;
    }

    private static Harness New(IChatClient model, params IReadOnlyList<ToolDefinition> tools) =>
        new(new InMemoryStewardStore(TimeProvider.System), model, Harness.Agent(tools).Build());
}
