using Microsoft.Extensions.AI;
using Steward.Retail.Data;
using Steward.Testing.Scripting;

namespace Steward.Retail.Replay;

/// <summary>The scripted model of a recorded task: it makes the recorded calls one by one and says that it is done. No real model.</summary>
internal static class GoldenModel
{
    /// <summary>What it says last.</summary>
    public const string Done = "Everything that you asked for is done.";

    /// <summary>Makes the model of some calls.</summary>
    public static ScriptedChatClient Of(IReadOnlyList<GoldenCall> calls) => ScriptedChatClient.From(
        // How far it is follows from the conversation alone, so that a process that was killed goes on where it stopped.
        (messages, _, _) => messages.Count(m => m.Role == ChatRole.Assistant) is var turn && turn < calls.Count ? Call(calls[turn]) : ScriptedTurn.Says(Done),
        "golden");

    /// <summary>The turn that makes a call.</summary>
    public static ScriptedTurn Call(GoldenCall call) => new() { ToolCalls = [new ScriptedCall(call.Tool, call.Arguments)] };
}
