using System.Threading.Channels;
using Steward.Journal;
using Steward.Sqlite;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Bench;

/// <summary>An entry as a hand-written journal keeps it.</summary>
internal readonly record struct BareEntry(string Type, ReadOnlyMemory<byte> Payload);

/// <summary>What a careful developer writes by hand on SQLite: entries in a table, fenced by the run's epoch and head; nothing else.</summary>
/// <remarks>The connection is opened by the store's own code, so that every pragma is the same; the payloads are bytes that Steward wrote.</remarks>
internal sealed class BareJournal : IDisposable
{
    private readonly Db _db;
    private readonly Statement _begin;
    private readonly Statement _commit;
    private readonly Statement _start;
    private readonly Statement _fence;
    private readonly Statement _insert;

    public BareJournal(string path)
    {
        _db = Schema.OpenWriter(new SqliteStoreOptions { Path = path });
        _db.Execute("""
            CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, head INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, time INTEGER NOT NULL, payload BLOB NOT NULL);
            CREATE UNIQUE INDEX IF NOT EXISTS event_run_seq ON event (run, seq);
            """);
        _begin = _db.Prepare("BEGIN IMMEDIATE");
        _commit = _db.Prepare("COMMIT");
        _start = _db.Prepare("INSERT INTO run (epoch, head) VALUES (1, 0)");
        _fence = _db.Prepare("UPDATE run SET head = ?2 WHERE id = ?1 AND epoch = 1 AND head = ?3");
        _insert = _db.Prepare("INSERT INTO event (run, seq, type, time, payload) VALUES (?1, ?2, ?3, ?4, ?5)");
    }

    /// <summary>The entries of a real run, in the groups in which its worker committed them: each ends with an intent.</summary>
    public static async Task<List<BareEntry[]>> GroupsOfAsync(IRunStore store, RunId run)
    {
        List<BareEntry[]> groups = [];
        List<BareEntry> group = [];
        await foreach (JournalEntry entry in store.ReadAsync(run))
        {
            group.Add(new BareEntry(entry.Type, entry.Payload));
            if (entry.Type is "model.started" or "tool.started" or "run.completed")
            {
                groups.Add([.. group]);
                group.Clear();
            }
        }

        return groups;
    }

    public long StartRun()
    {
        _start.Execute();
        return _db.LastId;
    }

    public void Begin() => _begin.Execute();

    public void Commit() => _commit.Execute();

    /// <summary>Appends within a transaction.</summary>
    public void Append(long run, ref long head, ReadOnlySpan<BareEntry> entries)
    {
        if (_fence.Bind(1, run).Bind(2, head + entries.Length).Bind(3, head).Execute() != 1)
            throw new InvalidOperationException("Fenced.");
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (BareEntry entry in entries)
            _insert.Bind(1, run).Bind(2, ++head).Bind(3, entry.Type).Bind(4, now).Bind(5, entry.Payload.Span).Execute();
    }

    public void AppendAndCommit(long run, ref long head, ReadOnlySpan<BareEntry> entries)
    {
        Begin();
        Append(run, ref head, entries);
        Commit();
    }

    public void Dispose() => _db.Dispose();
}

/// <summary>The bare journal behind one thread: what queues up while it commits shares the next commit.</summary>
internal sealed class BareGroupWriter : IAsyncDisposable
{
    private const int MaxGroup = 512;

    private readonly BareJournal _journal;
    private readonly Channel<Item> _queue = Channel.CreateUnbounded<Item>(new UnboundedChannelOptions { SingleReader = true });
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public BareGroupWriter(string path)
    {
        _journal = new BareJournal(path);
        new Thread(Work) { IsBackground = true, Name = "bare writer" }.Start();
    }

    public long StartRun() => _journal.StartRun();

    public Task AppendAsync(BareRun run, BareEntry[] entries)
    {
        Item item = new(run, entries, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _queue.Writer.TryWrite(item);
        return item.Done.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.Complete();
        await _ended.Task;
        _journal.Dispose();
    }

    private void Work()
    {
        List<Item> group = [];
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (group.Count < MaxGroup && _queue.Reader.TryRead(out Item? item))
                group.Add(item);
            _journal.Begin();
            foreach (Item item in group)
                _journal.Append(item.Run.Id, ref item.Run.Head, item.Entries);
            _journal.Commit();
            foreach (Item item in group)
                item.Done.SetResult();
            group.Clear();
        }

        _ended.SetResult();
    }

    private sealed record Item(BareRun Run, BareEntry[] Entries, TaskCompletionSource Done);
}

/// <summary>A run of the bare journal.</summary>
internal sealed class BareRun(long id)
{
    public long Id { get; } = id;

    public long Head;
}
