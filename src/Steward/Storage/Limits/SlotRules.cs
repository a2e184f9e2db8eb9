using System.Globalization;
using Steward.Journal;

namespace Steward.Storage;

/// <summary>A call in flight of a tool that had a limit when the call was started.</summary>
/// <param name="Turn">The turn whose answer asked for it.</param>
/// <param name="Index">Its place among that answer's calls.</param>
/// <param name="Tool">The tool's name.</param>
public readonly record struct ToolSlot(int Turn, int Index, string Tool);

/// <summary>The rules of calls at once, apart from any database: what takes a slot, what gives it back, and when none is left.</summary>
/// <remarks>
/// A store keeps beside each run the slots that it holds. They count for as long as the run's lease has not expired. What a dead worker had
/// in flight is lost, and a lost call must not block others until a person has settled it, perhaps for days.
/// </remarks>
public static class SlotRules
{
    /// <summary>The slots that a run holds after a batch.</summary>
    public static IReadOnlyList<ToolSlot> After(IReadOnlyList<ToolSlot> held, RunBatch batch, LimitTable limits)
    {
        ArgumentNullException.ThrowIfNull(held);
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(limits);
        if (held.Count == 0 && !limits.LimitsCalls)
            return held;
        if (batch.Status.IsTerminal() || batch.Release is not null)
            return held.Count == 0 ? held : [];
        List<ToolSlot>? after = null;
        foreach (JournalEntry entry in batch.Entries)
        {
            switch (entry.Event)
            {
                case RunClaimed:
                    after = [];
                    break;
                case ToolStarted e:
                    GiveBack(ref after, held, e.Turn, e.Index);
                    if (limits.CallsOf(e.Name) is not null)
                        after.Add(new ToolSlot(e.Turn, e.Index, e.Name));
                    break;
                case ToolReturned e:
                    GiveBack(ref after, held, e.Turn, e.Index);
                    break;
                case ToolFailed e:
                    GiveBack(ref after, held, e.Turn, e.Index);
                    break;
            }
        }

        return after ?? held;
    }

    /// <summary>Whether there is a slot for each call that a batch starts. Null when there is.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="after">What its run holds after it.</param>
    /// <param name="limits">The limits.</param>
    /// <param name="others">How many calls of a tool all the other runs have in flight.</param>
    public static AppendResult.Throttled? Check(RunBatch batch, IReadOnlyList<ToolSlot> after, LimitTable limits, Func<string, int> others)
    {
        ArgumentNullException.ThrowIfNull(others);
        if (after.Count == 0)
            return null;
        foreach (string tool in Started(batch))
        {
            if (limits.CallsOf(tool) is not { } limit)
                continue;
            int started = batch.Entries.Count(e => e.Event is ToolStarted s && s.Name == tool);
            int running = others(tool) + after.Count(s => s.Tool == tool) - started;
            if (running + started > limit)
                return new AppendResult.Throttled(tool, limit, running);
        }

        return null;
    }

    /// <summary>The tools whose calls a batch starts.</summary>
    public static IEnumerable<string> Started(RunBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.Entries.Select(e => e.Event).OfType<ToolStarted>().Select(s => s.Name).Distinct(StringComparer.Ordinal);
    }

    /// <summary>Slots as text, for example <c>3.0:fetch 3.1:fetch</c>; null for none.</summary>
    public static string? Write(IReadOnlyList<ToolSlot> slots) =>
        slots is { Count: > 0 }
            ? string.Join(' ', slots.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Turn}.{s.Index}:{s.Tool}")))
            : null;

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static IReadOnlyList<ToolSlot> Read(string? text) => text is null ? [] : [.. text.Split(' ').Select(ReadOne)];

    private static ToolSlot ReadOne(string text)
    {
        int dot = text.IndexOf('.', StringComparison.Ordinal), colon = text.IndexOf(':', StringComparison.Ordinal);
        return new ToolSlot(
            int.Parse(text.AsSpan(0, dot), CultureInfo.InvariantCulture),
            int.Parse(text.AsSpan(dot + 1, colon - dot - 1), CultureInfo.InvariantCulture),
            text[(colon + 1)..]);
    }

    private static void GiveBack(
        [System.Diagnostics.CodeAnalysis.NotNull] ref List<ToolSlot>? after,
        IReadOnlyList<ToolSlot> held,
        int turn,
        int index)
    {
        after ??= [.. held];
        after.RemoveAll(s => s.Turn == turn && s.Index == index);
    }
}
