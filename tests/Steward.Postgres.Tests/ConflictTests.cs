using Npgsql;
using Steward.Sqlite.Tests;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Postgres.Tests.Survival;

namespace Steward.Postgres.Tests;

/// <summary>Fault D6: the server ends transactions of the gate itself with 40001 or 40P01, at a statement or at the commit. Nothing is lost, and nothing is done twice. The models are scripted.</summary>
public sealed class ConflictTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await (await _schema.OpenAsync()).DisposeAsync();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    /// <summary>Every fifth transaction that writes of a run, an entry or a signal is ended, and all that share it.</summary>
    [Theory]
    [InlineData("40001")]
    [InlineData("40P01")]
    public async Task D6_RuntimeAtWork_NothingIsLostOrRepeated(string code)
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        Effects effects = new();
        await InjectAsync(code, "pg_current_xact_id()::text::bigint % 5 = 0", atCommit: false);

        await using (Harness node = Node(store, effects))
            await SurviveAsync(node, store, effects, () => UntilAsync(async () => await RaisedAsync() > 3)); // On a busy machine few transactions carry much, and there are not many more.

        long raised = await RaisedAsync();
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
        output.WriteLine($"{code}: raised {raised} times; {effects.Count} effects, each once; {effects.Probes} probes.");
    }

    /// <summary>Each operation of the gate meets the conflict at its first attempt: it is done once all the same, or its caller is told that the store is busy, and it was not done.</summary>
    [Theory]
    [InlineData("40001", false)]
    [InlineData("40P01", false)]
    [InlineData("40001", true)]
    public async Task D6_EachOperation_IsDoneOnceOrNotAtAll(string code, bool atCommit)
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        RunStart start = TestRun.Start();
        TestRun run = new(store, start.Entry);
        Signal signal = new("go", start.Run, new NamedSignal("go", null));
        await InjectAsync(code, "nextval('steward.conflicts') = 1000000", atCommit);

        await OnceAsync(async () => (await store.StartAsync(start, Token)).Created, "SELECT count(*) FROM steward.run");
        await OnceAsync(async () => await run.ClaimAsync() is not null, "SELECT epoch FROM steward.run");
        await OnceAsync(async () => await run.AppendAsync(run.Batch()) is AppendResult.Committed, "SELECT head - 1 FROM steward.run");
        await OnceAsync(async () => await store.SignalAsync(signal, Token) == SignalResult.Accepted, "SELECT count(*) FROM steward.signal");

        Assert.Equal(4, await RaisedAsync());
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
    }

    /// <summary>The server says each time that it rolled back: that is no commit of which nobody knows, however often it happens.</summary>
    [Fact]
    public async Task D6_AsOftenAsATripIsMade_GoesTheOtherWay()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        RunStart start = TestRun.Start();
        TestRun run = new(store, start.Entry);
        await store.StartAsync(start, Token);
        await run.ClaimAsync();
        await InjectAsync("40001", "nextval('steward.conflicts') <= 8", atCommit: true);

        Assert.IsType<AppendResult.Committed>(await run.AppendAsync(run.Batch()));
        Assert.Equal(8, await RaisedAsync());
        Assert.Equal(1L, await _schema.ScalarAsync<long>("SELECT head - 1 FROM steward.run"));
    }

    private async Task OnceAsync(Func<Task<bool>> act, string count)
    {
        long raised = await RaisedAsync();
        await _schema.ExecuteAsync("SELECT setval('steward.conflicts', 999999)");
        int busy = 0;
        for (bool isDone = false; !isDone;)
        {
            try
            {
                Assert.True(await act());
                isDone = true;
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Busy && ++busy < 3)
            {
                Assert.Equal(0L, await _schema.ScalarAsync<long>(count));
            }
        }

        Assert.Equal(1L, await _schema.ScalarAsync<long>(count));
        Assert.Equal(raised + 1, await RaisedAsync());
        output.WriteLine($"{count}: busy {busy} times");
    }

    /// <summary>A trigger that raises where a condition holds. Sequences are no part of a transaction: they count on where one is rolled back.</summary>
    private async Task InjectAsync(string code, string condition, bool atCommit)
    {
        await _schema.ExecuteAsync("CREATE SEQUENCE steward.conflicts; CREATE SEQUENCE steward.raised");
        await _schema.ExecuteAsync($"""
            CREATE FUNCTION steward.conflict() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF {condition} THEN
                    PERFORM nextval('steward.raised');
                    RAISE EXCEPTION 'in the way' USING ERRCODE = '{code}';
                END IF;
                RETURN NULL;
            END $$
            """);
        foreach (string table in (string[])["run", "event", "signal"])
            await _schema.ExecuteAsync($"CREATE CONSTRAINT TRIGGER conflict AFTER INSERT OR UPDATE ON steward.{table} DEFERRABLE INITIALLY {(atCommit ? "DEFERRED" : "IMMEDIATE")} FOR EACH ROW EXECUTE FUNCTION steward.conflict()");
    }

    private Task<long> RaisedAsync() => _schema.ScalarAsync<long>("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM steward.raised");
}
