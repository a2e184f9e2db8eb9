using System.Globalization;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Refuses a model's answer that no event could hold, before it is noted: its commit would fail, and the answer be paid
/// again.</summary>
internal static class AnswerSize
{
    // A call's arguments come back in questions to people, as text and as data.
    private const int ShareOfArguments = 4;

    // What JSON makes of one character at worst.
    private const int MostEscaped = 6;

    /// <summary>Checks an answer of which some has arrived.</summary>
    /// <exception cref="ModelException">It is too large already.</exception>
    public static void Check(long characters, StoreLimits limits)
    {
        if (characters > limits.Payload)
            throw TooLarge($"more than {limits.Payload}", limits, null);
    }

    /// <summary>Checks a whole answer.</summary>
    /// <exception cref="ModelException">It is too large.</exception>
    public static void Check(ModelReturned answer, UsageDetails? usage, StoreLimits limits)
    {
        long arguments = answer.Content.OfType<CallPart>().Sum(c => (c.Arguments?.GetRawText().Length ?? 0) + (long)(c.Raw?.Length ?? 0));
        if (arguments > limits.Payload / ShareOfArguments)
            throw TooLarge(string.Create(CultureInfo.InvariantCulture, $"{arguments} (of calls' arguments)"), limits, usage);
        if (answer.Content.Sum(Length) * MostEscaped <= limits.Payload / 2)
            return;
        int bytes = EventWire.Write(answer).Length;
        if (bytes > limits.Payload)
            throw TooLarge(string.Create(CultureInfo.InvariantCulture, $"{bytes}"), limits, usage);
    }

    private static long Length(ContentPart part) => (part.Opaque?.Data?.Length ?? 0) + (part switch
    {
        TextPart text => text.Text.Length,
        ReasoningPart reasoning => (reasoning.Text?.Length ?? 0) + (reasoning.Protected?.Length ?? 0),
        CallPart call => (call.Arguments?.GetRawText().Length ?? 0) + (call.Raw?.Length ?? 0),
        DataPart data => data.Data.LongLength * 2,
        _ => 0,
    });

    private static ModelException TooLarge(string bytes, StoreLimits limits, UsageDetails? usage) => new(
        ModelFailure.Unknown,
        $"The answer has {bytes} bytes, too many for one event of at most {limits.Payload}. Lower 'max_output' of the route, or raise StoreLimits.Payload.")
    {
        Usage = usage,
    };
}
