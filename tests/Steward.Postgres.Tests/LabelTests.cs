using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;

namespace Steward.Postgres.Tests;

/// <summary>Labels of runs that an earlier version started.</summary>
public sealed class LabelTests : IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task Upgrade_OfADatabaseWithLabelledRuns_FindsThemByTheirLabels()
    {
        Migration[] old = [.. Schema.Migrations.Take(9)];
        await (await PostgresStewardStore.OpenAsync(_schema.Options, old, cancellationToken: Token)).DisposeAsync();
        RunId inRow = await InsertAsync("hi", inBlob: false, ("ticket", "991"));
        RunId inBlob = await InsertAsync("hi", inBlob: true, ("ticket", "991"), ("team", "Grüße"));
        RunId unreadable = await InsertAsync("a\0b", inBlob: false, ("ticket", "991")); // PostgreSQL reads no JSON with a zero in a text.
        RunId bare = await InsertAsync("\"labels\":{\"ticket\":\"991\"}", inBlob: false);

        await using PostgresStewardStore store = await _schema.OpenAsync();

        Assert.Equal([inBlob, inRow], await FindAsync(store, new() { ["ticket"] = "991" }));
        Assert.Equal([inBlob], await FindAsync(store, new() { ["team"] = "Grüße" }));
        Assert.Equal([bare, unreadable, inBlob, inRow], await FindAsync(store, []));
    }

    private static async Task<RunId[]> FindAsync(PostgresStewardStore store, Dictionary<string, string> labels) =>
        [.. (await store.FindAsync(new RunQuery { Labels = labels }, Token)).Select(r => r.Run)];

    private async Task<RunId> InsertAsync(string text, bool inBlob, params (string Name, string Value)[] labels)
    {
        RunStart start = TestRun.Start();
        RunStarted started = start.Started with
        {
            Input = [new TextPart(text)],
            Labels = labels.Length == 0 ? null : labels.ToDictionary(l => l.Name, l => l.Value),
        };
        JournalEntry entry = JournalEntry.Create(start.Run, 1, JournalEntry.Origin, started, TimeProvider.System.GetUtcNow());
        await _schema.ExecuteAsync(
            """
            INSERT INTO steward.run (uuid, tenant, agent, version, status, reason,
                head, head_hash, created_at, updated_at, ancestors, queued)
            VALUES ($1, 'acme', 'support', '1', 'planning', 'started', 1, $2, now(), now(), '{}', false)
            """,
            start.Run.Value, entry.Hash.ToArray());
        if (inBlob)
            await _schema.ExecuteAsync(
                "INSERT INTO steward.blob (hash, content) VALUES ($1, $2)", entry.PayloadHash.ToArray(), entry.Payload.ToArray());
        await _schema.ExecuteAsync(
            """
            INSERT INTO steward.event (run, seq, type, time, hash, payload_hash, payload)
            SELECT id, 1, $2, now(), $3, $4, CASE WHEN $5 THEN NULL ELSE $6 END FROM steward.run WHERE uuid = $1
            """,
            start.Run.Value, entry.Type, entry.Hash.ToArray(), entry.PayloadHash.ToArray(), inBlob, entry.Payload.ToArray());
        return start.Run;
    }
}
