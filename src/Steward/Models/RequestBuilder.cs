using System.Collections;
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
    private readonly ContentEstimate _fixed;

    public RequestBuilder(AgentDefinition agent)
    {
        _agent = agent;
        _system = agent.Instructions.Length == 0 ? null : new ChatMessage(ChatRole.System, agent.Instructions);
        _tools = agent.Tools.Count == 0 ? null : [.. agent.Tools.Select(t => new DeclaredTool(t))];
        _fixed = ContentEstimate.Of(agent);
    }

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

    /// <summary>An upper bound of the request's input tokens: what the provider counted before, and an estimate of what came
    /// since.</summary>
    public long EstimateInput(RunState state, RunAction.CallModel action, ModelInfo model)
    {
        if (action.Side is { } side)
            return side.Messages(state).Aggregate(default(ContentEstimate), (sum, m) => sum + ContentEstimate.Of(m)).For(model);
        Conversation talk = state.Conversation;
        ContentEstimate uncounted = default;
        for (int i = talk.CountedMessages; i < talk.Messages.Count; i++)
            uncounted += ContentEstimate.Of(talk.Messages[i]);
        if (talk.KnownTokens > 0)
            return talk.KnownTokens + (talk.KnownTokens / 20) + uncounted.For(model);
        return (_fixed + uncounted).For(model) + (_tools is null ? 0 : ContentEstimate.ToolsOverhead(model));
    }

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
