using Microsoft.Extensions.AI;

namespace Steward.Providers;

/// <summary>What both adapters leave open about the arguments of a tool call.</summary>
internal static class ToolCalls
{
    /// <summary>Where the text of malformed arguments is kept, for the model to be shown what it wrote.</summary>
    public const string RawArguments = "raw_arguments";

    /// <summary>Keeps the text of malformed arguments; makes absent arguments empty ones.</summary>
    public static void Complete(FunctionCallContent call, string? raw)
    {
        // A tool without parameters is called with an empty text by some servers, which is no error.
        if (call.Exception is not null && string.IsNullOrWhiteSpace(raw))
            call.Exception = null;

        if (call.Exception is not null)
            (call.AdditionalProperties ??= [])[RawArguments] = raw;

        // Never null: the OpenAI adapter would send it back as the text "null", which servers refuse.
        call.Arguments ??= new Dictionary<string, object?>();
    }
}
