using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Tests.Simulation;

/// <summary>What others rely on over many commits: that nothing is rewritten, lost, begun too late or left lying (invariants 1, 10 and 11).</summary>
internal sealed class Promises(World world)
{
    private readonly Dictionary<RunId, List<byte[]>> _hashes = [];
    private readonly Dictionary<RunId, HashSet<string>> _accepted = [];
    private readonly HashSet<(RunId Run, string Signal)> _applied = [];
    private readonly Dictionary<(RunId Run, long Epoch), DateTimeOffset> _leasedAt = [];

    /// <summary>A signal is in the inbox, and somebody was told so.</summary>
    public void Accepted(RunId run, string signal)
    {
        if (!_accepted.TryGetValue(run, out HashSet<string>? signals))
            _accepted[run] = signals = [];
        signals.Add(signal);
    }

    /// <summary>10: applied exactly once.</summary>
    public void Applied(RunId run, string signal) => Assert.True(_applied.Add((run, signal)), $"Signal {signal} was applied twice.");

    /// <summary>A worker was told that it has the run, and had asked at that time.</summary>
    public void Leased(Lease lease, DateTimeOffset asked) => _leasedAt[(lease.Run, lease.Epoch)] = asked;

    /// <summary>11: no effect in the last fifth of a lease, from the asking of the last renewal that came through.</summary>
    public void Effect(RunId run, long epoch)
    {
        TimeSpan age = world.Now - _leasedAt[(run, epoch)];
        Assert.True(age < World.Lease * 0.8, $"An effect began {age.TotalSeconds:0.0} s into a lease of {World.Lease.TotalSeconds} s.");
    }

    public void Written(RunId run, JournalEntry entry)
    {
        if (!_hashes.TryGetValue(run, out List<byte[]>? hashes))
            _hashes[run] = hashes = [];
        hashes.Add(entry.Hash.ToArray());
    }

    /// <summary>At a commit: the whole journal of the run, its whole inbox, and when others may have it.</summary>
    public async Task CheckAsync(RunId run, RunState state)
    {
        await CheckJournalAsync(run);
        if (state.Status.IsTerminal())
            return;
        await CheckInboxAsync(run);
        if (state.Status == RunStatus.Awaiting)
            return;

        // 11: neither terminal nor waiting, so claimable within a lease time.
        RunInfo info = (await world.Store.FindAsync(new RunQuery { Run = run }))[0];
        Assert.True(info.ClaimableAt <= world.Now + World.Lease, $"Run {run} is {state.Status} and can be claimed at {info.ClaimableAt:O}; it is {world.Now:O}.");
    }

    /// <summary>1: gap-free, and every entry as it was when it was committed.</summary>
    private async Task CheckJournalAsync(RunId run)
    {
        int at = 0;
        List<byte[]> hashes = _hashes[run];
        await foreach (JournalEntry entry in world.Store.ReadAsync(run))
        {
            Assert.Equal(at + 1, entry.Sequence);
            Assert.True(at < hashes.Count && entry.Hash.Span.SequenceEqual(hashes[at]), $"Entry {entry.Sequence} of run {run} is not what was committed.");
            at++;
        }

        Assert.Equal(hashes.Count, at);
    }

    /// <summary>10: what was accepted is applied or still there.</summary>
    private async Task CheckInboxAsync(RunId run)
    {
        if (!_accepted.TryGetValue(run, out HashSet<string>? accepted))
            return;
        HashSet<string> inbox = [.. (await world.Store.InboxAsync(run)).Select(s => s.Id)];
        foreach (string signal in accepted)
            Assert.True(inbox.Contains(signal) != _applied.Contains((run, signal)), $"Signal {signal} of run {run} is {(inbox.Contains(signal) ? "applied and still in the inbox" : "lost")}.");
    }
}
