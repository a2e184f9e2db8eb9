using System.Text;
using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Reading;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.ClusterBench.Node;

/// <summary>Writes down what the store told this node: which runs it gave it, what it acknowledged, and which appends it refused because the run is another's. A line is with the system, so it survives the process.</summary>
internal sealed class NodeLog(NodeOptions options) : IRunObserver, IDisposable
{
    private readonly Lock _lock = new();
    private readonly FileStream _file = new(options.Log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);

    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
        foreach (JournalEntry entry in entries)
            Write("acknowledged", entry.Run, state.Epoch, entry.Sequence, Convert.ToHexString(entry.Hash.Span));
    }

    public void Claimed(Lease lease, long sequence) => Write("claimed", lease.Run, lease.Epoch, sequence, null);

    public void Fenced(RunBatch batch) => Write("fenced", batch.Lease.Run, batch.Lease.Epoch, batch.ExpectedSequence + 1, null);

    public void Dispose() => _file.Dispose();

    private void Write(string kind, RunId run, long epoch, long sequence, string? hash)
    {
        byte[] line = Encoding.UTF8.GetBytes(Lines.Write(new NodeLine { Kind = kind, Node = options.Name, Run = run.Value, Epoch = epoch, Sequence = sequence, Hash = hash, At = Clock.Now }));
        lock (_lock)
            _file.Write(line);
    }
}
