using System.Text;
using System.Text.Json;

namespace Steward.Diagnostics.Tracing;

/// <summary>Names of attributes: those of the GenAI conventions, and <c>steward.*</c> for what they lack.</summary>
internal static class Names
{
    public const string Operation = "gen_ai.operation.name";
    public const string Provider = "gen_ai.provider.name";
    public const string Agent = "gen_ai.agent.name";
    public const string AgentVersion = "gen_ai.agent.version";
    public const string Conversation = "gen_ai.conversation.id";
    public const string RequestModel = "gen_ai.request.model";
    public const string Tool = "gen_ai.tool.name";
    public const string ToolCall = "gen_ai.tool.call.id";
    public const string InputMessages = "gen_ai.input.messages";
    public const string OutputMessages = "gen_ai.output.messages";
    public const string ErrorType = "error.type";
    public const string User = "user.id";
    public const string Run = "steward.run.id";
    public const string Sequence = "steward.sequence";
    public const string Outcome = "steward.outcome";
    public const string Attempt = "steward.attempt";
    public const string Turn = "steward.turn";

    /// <summary>The name that the journal's wire has for a value of an enumeration.</summary>
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    /// <summary>A tool's name as a model wrote it: it may be anything, so only what looks like a name is one.</summary>
    public static string ToolNamed(string? written)
    {
        if (written is not { Length: > 0 and <= 64 })
            return "unknown";
        foreach (Rune rune in written.EnumerateRunes())
        {
            if (!Rune.IsLetterOrDigit(rune) && rune.Value is not ('_' or '-' or '.' or '/' or ':'))
                return "unknown";
        }

        return written;
    }
}
