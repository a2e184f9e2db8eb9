using System.Collections;
using System.Text;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Tools;

namespace Steward.Models;

/// <summary>A request to a model, ready to send.</summary>
internal readonly record struct ModelRequest(IReadOnlyList<ChatMessage> Messages, ChatOptions Options);

/// <summary>Builds requests from the definition and the state. Laid out for prompt caching:
/// instructions and tools first and unchanged, the conversation append-only behind.</summary>
internal sealed class RequestBuilder
{
    private readonly AgentDefinition _agent;
    private readonly ChatMessage? _system;
    private readonly IList<AITool>? _tools;

    public RequestBuilder(AgentDefinition agent)
    {
        _agent = agent;
        _system = agent.Instructions.Length == 0 ? null : new ChatMessage(ChatRole.System, agent.Instructions);
        _tools = agent.Tools.Count == 0 ? null : [.. agent.Tools.Select(t => new DeclaredTool(t))];
        FixedBytes = Encoding.UTF8.GetByteCount(agent.Instructions)
            + agent.Tools.Sum(t => 64L + Bytes(t.Name) + Bytes(t.Description) + Bytes(t.Schema.GetRawText()));

        static int Bytes(string text) => Encoding.UTF8.GetByteCount(text);
    }

    /// <summary>UTF-8 bytes of what every request begins with.</summary>
    public long FixedBytes { get; }

    public ModelRequest Build(RunState state, ModelTarget target, int maxOutput, RunAction.CallModel action) =>
        action.Side is { } side ? new(side.Messages(state), OptionsOf(target, maxOutput)) : new(
        _system is null ? state.Conversation.Messages : new Prefixed(_system, state.Conversation.Messages),
        OptionsOf(target, maxOutput, _tools, action.UsesTools));

    private static ChatOptions OptionsOf(ModelTarget target, int maxOutput, IList<AITool>? tools = null, bool usesTools = false) => new()
    {
        ModelId = target.Model,
        MaxOutputTokens = maxOutput,
        Temperature = target.Temperature,
        Tools = tools,
        ToolMode = tools is null ? null : usesTools ? ChatToolMode.Auto : ChatToolMode.None,
    };

    /// <summary>An upper bound of the request's input tokens: what the provider
    /// counted before, and a token per byte of what came since.</summary>
    public long EstimateInput(RunState state, RunAction.CallModel action) => action.Side is { } side
        ? side.Messages(state).Sum(MessageMapper.Bytes)
        : state.Conversation is { KnownTokens: > 0 and long known } talk
            ? known + known / 20 + talk.UnknownBytes
            : FixedBytes + state.Conversation.UnknownBytes;

    private sealed class DeclaredTool(ToolDefinition tool) : AIFunctionDeclaration
    {
        public override string Name => tool.Name;

        public override string Description => tool.Description;

        public override System.Text.Json.JsonElement JsonSchema => tool.Schema;
    }

    private sealed class Prefixed(ChatMessage first, AppendList<ChatMessage> rest) : IReadOnlyList<ChatMessage>
    {
        public int Count => rest.Count + 1;

        public ChatMessage this[int index] => index == 0 ? first : rest[index - 1];

        public IEnumerator<ChatMessage> GetEnumerator()
        {
            yield return first;
            for (int i = 0; i < rest.Count; i++)
                yield return rest[i];
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
