using System.Threading.Channels;
using Npgsql;

namespace Steward.Bench;

/// <summary>What a careful developer writes by hand on PostgreSQL: group commit, two statements with <c>unnest</c>, fenced by each run's epoch and head; two writers. No budgets, switches, inbox, hashes or blobs.</summary>
internal sealed class BarePostgresWriter : IAsyncDisposable
{
    private const int Writers = 2;
    private readonly NpgsqlDataSource _source;
    private readonly Channel<Item> _queue = Channel.CreateUnbounded<Item>();
    private readonly Task[] _loops;

    private BarePostgresWriter(NpgsqlDataSource source)
    {
        _source = source;
        _loops = [.. Enumerable.Range(0, Writers).Select(_ => Task.Run(WriteAllAsync))];
    }

    public static async Task<BarePostgresWriter> OpenAsync(string connectionString)
    {
        NpgsqlDataSource source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { MaxAutoPrepare = 16 });
        await using NpgsqlCommand make = source.CreateCommand("""
            CREATE TABLE IF NOT EXISTS bare_run (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, epoch bigint NOT NULL, head bigint NOT NULL) WITH (fillfactor = 50);
            CREATE TABLE IF NOT EXISTS bare_event (run bigint NOT NULL, seq bigint NOT NULL, type text NOT NULL, payload bytea NOT NULL, PRIMARY KEY (run, seq)) WITH (toast_tuple_target = 8160);
            ALTER TABLE bare_event ALTER COLUMN payload SET STORAGE MAIN
            """);
        await make.ExecuteNonQueryAsync();
        return new BarePostgresWriter(source);
    }

    public async Task<BareRun> StartRunAsync()
    {
        await using NpgsqlCommand insert = _source.CreateCommand("INSERT INTO bare_run (epoch, head) VALUES (1, 0) RETURNING id");
        return new BareRun((long)(await insert.ExecuteScalarAsync())!);
    }

    public async Task AppendAsync(BareRun run, BareEntry[] entries)
    {
        Item item = new(run, entries, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _queue.Writer.WriteAsync(item);
        await item.Done.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.Complete();
        await Task.WhenAll(_loops);
        await _source.DisposeAsync();
    }

    private async Task WriteAllAsync()
    {
        List<Item> group = [];
        while (await _queue.Reader.WaitToReadAsync())
        {
            while (group.Count < 128 && _queue.Reader.TryRead(out Item? item))
                group.Add(item);
            if (group.Count > 0)
                await WriteAsync(group);
            group.Clear();
        }
    }

    private async Task WriteAsync(List<Item> group)
    {
        await using NpgsqlConnection connection = await _source.OpenConnectionAsync();
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
        await using NpgsqlBatch batch = new(connection);
        NpgsqlBatchCommand fence = new("UPDATE bare_run r SET head = u.after FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (id, before, after) WHERE r.id = u.id AND r.epoch = 1 AND r.head = u.before");
        fence.Parameters.Add(new NpgsqlParameter { Value = group.Select(i => i.Run.Id).ToArray() });
        fence.Parameters.Add(new NpgsqlParameter { Value = group.Select(i => i.Run.Head).ToArray() });
        fence.Parameters.Add(new NpgsqlParameter { Value = group.Select(i => i.Run.Head + i.Entries.Length).ToArray() });
        batch.BatchCommands.Add(fence);
        var rows = group.SelectMany(i => i.Entries.Select((e, at) => (Run: i.Run.Id, Sequence: i.Run.Head + at + 1, Entry: e))).ToArray();
        NpgsqlBatchCommand insert = new("INSERT INTO bare_event (run, seq, type, payload) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[])");
        insert.Parameters.Add(new NpgsqlParameter { Value = rows.Select(r => r.Run).ToArray() });
        insert.Parameters.Add(new NpgsqlParameter { Value = rows.Select(r => r.Sequence).ToArray() });
        insert.Parameters.Add(new NpgsqlParameter { Value = rows.Select(r => r.Entry.Type).ToArray() });
        insert.Parameters.Add(new NpgsqlParameter { Value = rows.Select(r => r.Entry.Payload.ToArray()).ToArray() });
        batch.BatchCommands.Add(insert);
        if (await batch.ExecuteNonQueryAsync() != group.Count + rows.Length)
            throw new InvalidOperationException("A bare run was fenced.");
        await transaction.CommitAsync();
        foreach (Item item in group)
        {
            item.Run.Head += item.Entries.Length;
            item.Done.SetResult();
        }
    }

    private sealed record Item(BareRun Run, BareEntry[] Entries, TaskCompletionSource Done);
}
