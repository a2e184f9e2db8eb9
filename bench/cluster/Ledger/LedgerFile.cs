using System.Text;
using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Reading;

namespace Steward.ClusterBench.Ledger;

/// <summary>The ledger: each line is on the disk before its caller hears of it, so that it survives the death of this process.</summary>
internal sealed class LedgerFile : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _done = [];
    private readonly Dictionary<Guid, long> _epochs = [];
    private readonly FileStream _file;

    public LedgerFile(string path)
    {
        foreach (LedgerLine line in Lines.Read<LedgerLine>(path))
            Remember(line);
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
    }

    /// <summary>Has the effect; one of an idempotent tool under a key that is known is answered from memory.</summary>
    public LedgerLine Call(ToolRequest request)
    {
        lock (_lock)
            return Write(request, "call", executed: request.Effect != "idempotent" || !_done.Contains(request.Key));
    }

    /// <summary>Whether a key had its effect.</summary>
    public LedgerLine Probe(ToolRequest request)
    {
        lock (_lock)
            return Write(request, "probe", executed: _done.Contains(request.Key));
    }

    public void Dispose() => _file.Dispose();

    private LedgerLine Write(ToolRequest request, string kind, bool executed)
    {
        var line = new LedgerLine
        {
            Kind = kind,
            Key = request.Key,
            Run = request.Run,
            Tool = request.Tool,
            Effect = request.Effect,
            Epoch = request.Epoch,
            At = Clock.Now,
            Executed = executed,
            Stale = request.Epoch < _epochs.GetValueOrDefault(request.Run),
        };
        _file.Write(Encoding.UTF8.GetBytes(Lines.Write(line)));
        _file.Flush(flushToDisk: true);
        Remember(line);
        return line;
    }

    private void Remember(LedgerLine line)
    {
        if (line.IsCall)
            _done.Add(line.Key);
        _epochs[line.Run] = Math.Max(line.Epoch, _epochs.GetValueOrDefault(line.Run));
    }
}
