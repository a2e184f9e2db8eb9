using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Tools;

namespace Steward.Models;

/// <summary>How many tokens something of a request can be, before a provider has counted it.</summary>
/// <param name="Tokens">At most so many in the vocabularies o200k and cl100k.</param>
/// <param name="Bytes">UTF-8 bytes, and at most so many tokens in any vocabulary that knows all bytes.</param>
internal readonly record struct ContentEstimate(long Tokens, long Bytes)
{
    /// <summary>What the wire adds to a message, a call and a result.</summary>
    private const int PerMessage = 16, PerCall = 32, PerTool = 64, PerArgument = 8;

    // What a provider adds to a request with tools: platform.claude.com/docs/en/agents-and-tools/tool-use/overview, the highest of its
    // table.
    private const int AnthropicTools = 530;

    private static readonly ConditionalWeakTable<ChatMessage, Box> s_known = [];

    /// <summary>An upper bound for a model. Other vocabularies than OpenAI's are not public: twice as much, and never more than the
    /// bytes.</summary>
    public long For(ModelInfo model) => IsOpenAI(model) ? Tokens : Math.Min(Bytes, 2 * Tokens);

    /// <summary>What a request with tools has besides, for a model.</summary>
    public static long ToolsOverhead(ModelInfo model) =>
        model.Provider.Equals("anthropic", StringComparison.OrdinalIgnoreCase) ? AnthropicTools : 0;

    public static ContentEstimate operator +(ContentEstimate left, ContentEstimate right) =>
        new(left.Tokens + right.Tokens, left.Bytes + right.Bytes);

    /// <summary>The bound of a text.</summary>
    public static ContentEstimate Of(string? text) =>
        string.IsNullOrEmpty(text) ? default : new(TextEstimate.Of(text), Encoding.UTF8.GetByteCount(text));

    /// <summary>The bound of what every request of an agent begins with.</summary>
    public static ContentEstimate Of(AgentDefinition agent) =>
        agent.Tools.Aggregate(Of(agent.Instructions), (sum, tool) => sum + Of(tool));

    /// <summary>The bound of a message; it is counted once.</summary>
    public static ContentEstimate Of(ChatMessage message) => s_known.GetValue(message, static m => new Box(Sum(m))).Estimate;

    private static ContentEstimate Of(ToolDefinition tool) =>
        Exactly(PerTool) + Of(tool.Name) + Of(tool.Description) + Of(tool.Schema.GetRawText());

    private static ContentEstimate Sum(ChatMessage message)
    {
        ContentEstimate sum = Exactly(PerMessage);
        foreach (AIContent content in message.Contents)
            sum += Of(content) + Of(OpaqueContent.Of(content)?.Data);
        return sum;
    }

    private static ContentEstimate Of(AIContent content) => content switch
    {
        TextContent text => Of(text.Text),
        TextReasoningContent reasoning => Of(reasoning.Text) + Of(reasoning.ProtectedData),
        FunctionCallContent call => Exactly(PerCall) + Of(call.Name) + Of(call.Arguments),
        FunctionResultContent result => Exactly(PerCall) + Of(result.Result as string),
        OpaqueContent => default, // Its data is counted with that of the others.
        DataContent data when MediaTypes.IsText(data.MediaType) =>
            Exactly(PerMessage) + Of(data.Name) + Of(Encoding.UTF8.GetString(data.Data.Span)),
        DataContent data => Exactly(AttachmentEstimate.Of(data.MediaType, data.Data)),
        BlobContent blob => Exactly(AttachmentEstimate.Of(blob.Part)),
        UriContent uri => Exactly(AttachmentEstimate.OfReference(uri.MediaType)),
        _ => Exactly(AttachmentEstimate.Unknown),
    };

    private static ContentEstimate Of(IDictionary<string, object?>? arguments)
    {
        ContentEstimate sum = default;
        foreach ((string name, object? value) in arguments ?? new Dictionary<string, object?>())
            sum += Exactly(PerArgument) + Of(name) + (value is JsonElement json ? Of(json.GetRawText()) : Exactly(PerMessage));
        return sum;
    }

    private static ContentEstimate Exactly(long tokens) => new(tokens, tokens);

    private static bool IsOpenAI(ModelInfo model) => model.Provider.Equals("openai", StringComparison.OrdinalIgnoreCase);

    private sealed record Box(ContentEstimate Estimate);
}
