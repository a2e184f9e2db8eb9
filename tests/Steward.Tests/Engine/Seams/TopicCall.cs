using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.State;

namespace Steward.Tests.Engine.Seams;

/// <summary>An example of a side call: before the second turn a small model names the topic, which the agent then reads.</summary>
internal sealed class TopicCall : SideCall
{
    public override string Purpose => "topic";

    public override ModelRole RoleIn(AgentDefinition agent) => ModelRole.Summarizer;

    public override bool IsDue(RunState state) => state.Completed.Count > 0 && state.ContextTurn == 0;

    public override IReadOnlyList<ChatMessage> Messages(RunState state) =>
        [new(ChatRole.User, $"In one word, what is this about? {string.Concat(state.Started.Input.OfType<TextPart>().Select(p => p.Text))}")];

    public override ContextEvent Read(RunState state, SideAnswer answer) =>
        new ContextAdded(Purpose, state.Turn, answer.Text is { } topic ? $"The topic is {topic}." : "The topic could not be found out.");
}
