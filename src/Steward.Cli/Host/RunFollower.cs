using System.Runtime.CompilerServices;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Host;

/// <summary>Reads a run's journal as it grows, whoever works on it, until the run is at rest.</summary>
internal sealed class RunFollower(IStewardStore store, RunHub hub, TimeProvider time)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(250);

    /// <param name="run">The run.</param>
    /// <param name="after">The last sequence that is known.</param>
    /// <param name="ignoreRest">Says that a rest does not count, for example because a worker is about to wake the run.</param>
    /// <param name="cancellationToken">Ends following.</param>
    public async IAsyncEnumerable<JournalEntry> FollowAsync(RunId run, long after, Func<RunInfo, bool>? ignoreRest = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task change = hub.NextChange(run);
            RunInfo info = (await store.FindAsync(new RunQuery { Run = run, Limit = 1 }, cancellationToken))[0];
            bool rests = await Rest.IsAtRestAsync(store, info, time.GetUtcNow(), cancellationToken);
            await foreach (JournalEntry entry in store.ReadAsync(run, after, cancellationToken))
            {
                after = entry.Sequence;
                yield return entry;
            }

            if (info.Status.IsTerminal() || (rests && after == info.Sequence && ignoreRest?.Invoke(info) != true))
                yield break;
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(change, Task.Delay(s_poll, time, cancel.Token));
            await cancel.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
