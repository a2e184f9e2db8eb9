using Steward.Agents;
using Steward.Journal;
using Steward.Tools;

namespace Steward.State;

/// <summary>Which calls of a message wait for others: unsafe ones are made one after the other, in the model's order.</summary>
/// <remarks>So a refund never overtakes the booking before it, and a switch, a ceiling or a person comes between the two. Pure.</remarks>
internal static class ToolOrder
{
    /// <summary>The rules from which on it is so: a worker of an earlier version started them all at once, and replays as it did.</summary>
    public const int Rules = 1;

    /// <summary>Whether a call that was not started waits for an earlier one of its message.</summary>
    public static bool Waits(RunState state, AgentDefinition agent, ToolCall call) =>
        call.Status == ToolCallStatus.Requested
        && state.Rules >= Rules
        && state.WrapUp is null
        && IsOrdered(agent, call)
        && state.Calls.Any(c => c.Index < call.Index && c.Status != ToolCallStatus.Done && IsOrdered(agent, c));

    private static bool IsOrdered(AgentDefinition agent, ToolCall call) =>
        agent.FindTool(call.Part.Name) is { Kind: ToolKind.Function, Effect: ToolEffect.Unsafe, Overlaps: false };
}
