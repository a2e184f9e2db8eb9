using System.Runtime.CompilerServices;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Host;

/// <summary>Follows a run, whichever process works on it, until the run is at rest.</summary>
internal sealed class RunFollower(AgentHost host, TimeProvider time)
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);

    /// <param name="run">The run.</param>
    /// <param name="after">The last sequence that is known.</param>
    /// <param name="ignoreRest">Says that a rest does not count, for example because a worker is about to wake the run.</param>
    /// <param name="cancellationToken">Ends following.</param>
    public async IAsyncEnumerable<RunUpdate> FollowAsync(
        RunId run,
        long after,
        Func<RunInfo, bool>? ignoreRest = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using IAsyncEnumerator<RunUpdate> updates = host.Client.Get(run)
            .StreamAsync(after, leaving.Token)
            .GetAsyncEnumerator(CancellationToken.None);
        Task<bool> next = updates.MoveNextAsync().AsTask();
        Task? change = null; // Null: it is time to look whether the run is at rest.
        try
        {
            while (true)
            {
                while (!next.IsCompleted)
                {
                    if (change is null or { IsCompleted: true })
                    {
                        change = host.Hub.NextChange(run);
                        RunInfo info = (await host.Store.FindAsync(new RunQuery { Run = run, Limit = 1 }, cancellationToken))[0];
                        bool rests = await Rest.IsAtRestAsync(host.Store, info, time.GetUtcNow(), cancellationToken);
                        if (next.IsCompleted)
                            break;
                        if (rests && after == info.Sequence && ignoreRest?.Invoke(info) != true)
                            yield break;
                    }

                    using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                    Task look = Task.Delay(s_look, time, cancel.Token);
                    if (await Task.WhenAny(next, change, look) == look)
                        change = null;
                    await cancel.CancelAsync();
                    cancellationToken.ThrowIfCancellationRequested();
                }

                if (!await next)
                    yield break;
                if (updates.Current is EntryRead read)
                    (after, change) = (read.Entry.Sequence, null);
                yield return updates.Current;
                next = updates.MoveNextAsync().AsTask();
            }
        }
        finally
        {
            await leaving.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
