using System.Text;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Models.Estimates;

/// <summary>What a request's parts are counted as before a provider has counted them.</summary>
public sealed class ContentEstimateTests
{
    private const string Prose = "The committee met on Tuesday to discuss the annual budget, and no decision was reached.";

    private static readonly ModelInfo s_openAI = new("openai", "m", 1, 1, null, null, 100_000, 4_096, "test", "2026-12-01");
    private static readonly ModelInfo s_other = s_openAI with { Provider = "elsewhere" };

    [Fact]
    public void Text_OfAnotherVocabulary_IsCountedTwiceButNotAboveItsBytes()
    {
        ContentEstimate prose = ContentEstimate.Of(Prose);
        ContentEstimate noise = ContentEstimate.Of("q\u0001x\u0002z\u0003");

        Assert.InRange(prose.For(s_openAI), PublicVocabularies.Count(Prose), 2 * PublicVocabularies.Count(Prose));
        Assert.Equal(2 * prose.For(s_openAI), prose.For(s_other));
        Assert.Equal(6, noise.For(s_other));
    }

    [Fact]
    public void Parts_CallsResultsAndReasoning_AreBoundedByTheirText()
    {
        string arguments = """{"filter":"older than 1 year","limit":250}""";
        var call = new FunctionCallContent("c1", "find_orders", new Dictionary<string, object?> { ["filter"] = System.Text.Json.JsonElement.Parse(arguments) });
        ChatMessage[] messages =
        [
            new(ChatRole.Assistant, [new TextReasoningContent(Prose), call]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", Prose)]),
            new(ChatRole.User, [new DataContent(Encoding.UTF8.GetBytes(Prose), "text/csv; charset=utf-8")]),
        ];

        Assert.InRange(Tokens(messages[0]), PublicVocabularies.Count(Prose) + PublicVocabularies.Count(arguments), Prose.Length + arguments.Length);
        Assert.InRange(Tokens(messages[1]), PublicVocabularies.Count(Prose), Prose.Length);
        Assert.InRange(Tokens(messages[2]), PublicVocabularies.Count(Prose), Prose.Length);
    }

    [Theory]
    [InlineData(64, 64, 1_445)]
    [InlineData(1_024, 1_024, 2_520)]
    [InlineData(8_000, 6_000, 6_400)]
    public void Image_IsCountedByItsArea(int width, int height, long tokens)
    {
        byte[] png = [0x89, .. "PNG\r\n\x1A\n"u8, 0, 0, 0, 13, .. "IHDR"u8, .. BigEndian(width), .. BigEndian(height)];

        Assert.Equal(tokens, AttachmentEstimate.Of("image/png", png));
        Assert.Equal(6_400, AttachmentEstimate.Of("image/webp", png.AsMemory(1)));

        static byte[] BigEndian(int value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];
    }

    [Fact]
    public async Task Reservation_WithoutReportedUsage_IsByTheEstimateAndReplays()
    {
        // No usage comes, so every turn is estimated as a whole.
        var model = new FunctionModel((messages, _) => messages.Count < 4 ? Calls_(("step", new { n = messages.Count })) : Says("done"));
        var lab = new Lab(new Unreported(model), Harness.Agent(Harness.Tool("step", _ => Prose)).Build());
        RunId run = await lab.StartAsync(new RunRequest(Prose));

        await lab.WorkAllAsync();

        List<JournalEntry> journal = await lab.JournalAsync(run);
        ModelStarted[] calls = [.. journal.Select(e => e.Event).OfType<ModelStarted>()];
        Assert.True(calls.Length > 1);
        Assert.All(calls, c => Assert.True(c.Reserved.Tokens - c.MaxOutput < 1_000, $"{c.Reserved.Tokens} with {c.MaxOutput} of output"));
        Assert.Null((await lab.Client().ReplayAsync(run, cancellationToken: TestContext.Current.CancellationToken)).Divergence);
    }

    [Fact]
    public void Conversation_WhatAProviderCounted_IsNotEstimatedAgain()
    {
        Conversation talk = Conversation.Of([new ChatMessage(ChatRole.User, Prose)]);
        Conversation counted = talk.Counted(new TokenUsage(40, 10)).Say(new ChatMessage(ChatRole.User, "more"));

        Assert.Equal((0, 50, 1), (talk.CountedMessages, counted.KnownTokens, counted.CountedMessages));
    }

    private static long Tokens(ChatMessage message) => ContentEstimate.Of(message).For(s_openAI);

    private sealed class Unreported(IChatClient inner) : DelegatingChatClient(inner)
    {
        public override async Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            ChatResponse response = await base.GetResponseAsync(messages, options, cancellationToken);
            response.Usage = null;
            return response;
        }
    }
}
