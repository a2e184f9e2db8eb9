using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>The calls in flight of limited tools, as one group of appends finds and changes them.</summary>
internal sealed class SlotBook(LimitTable limits)
{
    private readonly Dictionary<long, IReadOnlyList<ToolSlot>> _held = [];

    /// <summary>Locks and loads what the group needs: nothing if none of the tools that it calls has a limit.</summary>
    public async Task LoadAsync(Tx tx, IReadOnlyList<RunBatch> group)
    {
        if (!limits.LimitsCalls)
            return;
        string[] tools =
            [.. group.SelectMany(SlotRules.Started).Where(tool => limits.CallsOf(tool) is not null).Distinct(StringComparer.Ordinal)];
        if (tools.Length == 0)
            return;
        foreach ((long run, IReadOnlyList<ToolSlot> slots) in await Concurrency.LockToolsAsync(tx, tools))
            _held[run] = slots;
    }

    /// <summary>Whether there is a slot for each call that a batch starts, and what its run holds after it.</summary>
    public AppendResult.Throttled? Check(RunBatch batch, RunRecord run, out IReadOnlyList<ToolSlot> after)
    {
        after = SlotRules.After(run.Slots, batch, limits);
        return SlotRules.Check(
            batch, after, limits, tool => _held.Where(r => r.Key != run.Id).Sum(r => r.Value.Count(s => s.Tool == tool)));
    }

    /// <summary>Keeps what a batch of the group that is accepted makes of its run's slots, for those that follow.</summary>
    public void Keep(RunRecord run) => _held[run.Id] = run.Slots;
}
