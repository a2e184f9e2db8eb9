using System.Text.Json;
using Steward.Journal;
using Steward.State;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Begins calls of <see cref="BuiltInTools"/>: each becomes an event that parks the run until its answer comes.</summary>
internal static class BuiltInCalls
{
    /// <summary>The event with which a call of a built-in tool begins. Pure.</summary>
    public static RunEvent Begin(ToolCall call, ToolDefinition tool, JsonElement arguments, DateTimeOffset now) => tool.Kind switch
    {
        ToolKind.AskUser => Ask(
            call,
            tool,
            QuestionKind.UserInput,
            arguments.GetProperty("question").GetString()!,
            arguments.TryGetProperty("schema", out JsonElement schema) ? schema : null),
        ToolKind.HandOff => Ask(call, tool, QuestionKind.HandOff, arguments.GetProperty("summary").GetString()!, null),
        _ => new WaitStarted(
            call.Turn,
            call.Index,
            Until(arguments, now),
            arguments.TryGetProperty("signal", out JsonElement name) ? name.GetString() : null),
    };

    private static QuestionAsked Ask(ToolCall call, ToolDefinition tool, QuestionKind kind, string text, JsonElement? schema) => new()
    {
        Id = $"{(kind == QuestionKind.HandOff ? "hand-off" : "ask")}-{call.Position}",
        Kind = kind,
        Text = text,
        Turn = call.Turn,
        Index = call.Index,
        Tool = tool.Name,
        Schema = schema,
    };

    private static DateTimeOffset? Until(JsonElement arguments, DateTimeOffset now)
    {
        DateTimeOffset? until = arguments.TryGetProperty("seconds", out JsonElement seconds)
            ? now + TimeSpan.FromSeconds(seconds.GetDouble())
            : null;
        return BuiltInTools.TimeOf(arguments) is { } given && (until is null || given < until) ? given : until;
    }
}
