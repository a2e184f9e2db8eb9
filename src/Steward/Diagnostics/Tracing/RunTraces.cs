using System.Runtime.CompilerServices;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Diagnostics.Tracing;

/// <summary>Traces of recorded runs.</summary>
public static class RunTraces
{
    /// <summary>Maps a recorded run; a run that has not ended lacks its own span still.</summary>
    public static async IAsyncEnumerable<RunSpan> ReadAsync(
        IRunStore store,
        RunId run,
        TracingOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        var trace = new RunTrace(run, options);
        await foreach (JournalEntry entry in store.ReadAsync(run, 0, cancellationToken))
        {
            foreach (RunSpan span in trace.Apply(entry))
                yield return span;
        }
    }
}
