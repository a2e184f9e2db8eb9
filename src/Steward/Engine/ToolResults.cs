using System.Globalization;
using System.Text;
using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Turns what a call brought into its one event, none larger than the store takes.</summary>
internal sealed class ToolResults(StoreLimits limits)
{
    private const int MaxDetail = 2_000;

    // A text stays in the event only where JSON can make no payload of it that is too large.
    private readonly int _mostInline = limits.Payload / 8;

    /// <summary>The event of a call that came back; the blob is its whole result when the event holds a preview.</summary>
    public (RunEvent Event, Blob? Blob) Returned(ToolDefinition tool, ToolStarted intent, ToolOutput output, TimeSpan elapsed)
    {
        string text = Utf16.Mend(output.Text ?? "");
        int length = Encoding.UTF8.GetByteCount(text);
        long content = output.Content?.Sum(p => p is DataPart data ? data.Data.LongLength : 0) ?? 0;
        if (length > limits.Blob)
            return (TooLarge(tool, intent, output, length, limits.Blob), null);
        if (content > limits.Payload / 2)
            return (TooLarge(tool, intent, output, content, limits.Payload / 2), null);
        Blob? blob = null;
        if (length > Math.Min(tool.MaxResult, _mostInline))
        {
            blob = Blob.Of(Encoding.UTF8.GetBytes(text));
            text = ResultReader.Preview(blob, Math.Min(tool.MaxResult, _mostInline));
        }

        return (
            new ToolReturned
            {
                Turn = intent.Turn,
                Index = intent.Index,
                Result = text,
                Content = output.Content is { Count: > 0 } parts ? parts : null,
                Blob = blob?.Hash,
                Length = blob is null ? 0 : length,
                Settled = Cost(intent, output),
                Ms = (long)elapsed.TotalMilliseconds,
            },
            blob);
    }

    /// <summary>The event of a call that brought no result.</summary>
    public static ToolFailed Failed(ToolDefinition tool, ToolStarted intent, ToolFailure failure, string message, Exception? cause) => new()
    {
        Turn = intent.Turn,
        Index = intent.Index,
        Failure = failure,
        Message = Cut(message, tool)!,
        Detail = cause is null ? null : Describe(cause),
        Settled = intent.Reserved,
    };

    /// <summary>The event of a call that was surely not made, so that it cost nothing.</summary>
    public static ToolFailed NotMade(ToolStarted intent, ToolFailure failure, string message) => new()
    {
        Turn = intent.Turn,
        Index = intent.Index,
        Failure = failure,
        Message = message,
        Settled = new BudgetAmount(),
    };

    /// <summary>A text that cannot be read on later, cut to what the tool's results may show.</summary>
    public static string? Cut(string? text, ToolDefinition tool)
    {
        if (text is null)
            return null;
        text = Utf16.Mend(text);
        int most = Math.Min(tool.MaxResult, 64 * 1024);
        return text.Length <= most ? text : string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[most - 1]) ? most - 1 : most), "…");
    }

    /// <summary>It happened, and what it brought cannot be kept. Said as a failure, so that nobody takes a part for the whole.</summary>
    private static ToolFailed TooLarge(ToolDefinition tool, ToolStarted intent, ToolOutput output, long bytes, long most) =>
        Failed(
            tool,
            intent,
            ToolFailure.Reported,
            string.Create(
                CultureInfo.InvariantCulture,
                $"'{intent.Name}' was carried out, but its result of {bytes} bytes is larger than the {most} that can be kept. Ask for less."),
            null) with
        {
            Settled = Cost(intent, output),
        };

    private static BudgetAmount Cost(ToolStarted intent, ToolOutput output) =>
        new(ToolCalls: 1, Usd: output.CostUsd ?? intent.Reserved.Usd);

    // Without the stack: the log has it, and a journal is kept for years.
    private static string Describe(Exception e)
    {
        string detail = Utf16.Mend($"{e.GetType().FullName}: {e.Message}");
        return detail.Length <= MaxDetail ? detail : detail[..MaxDetail];
    }
}
