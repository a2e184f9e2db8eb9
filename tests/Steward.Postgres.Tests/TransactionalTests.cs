using System.Data.Common;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Npgsql;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Shared;
using Steward.Tests.Support;
using Steward.TimeTravel;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Postgres.Tests;

/// <summary>Tools that write in the journal's own transaction. The models are scripted.</summary>
public sealed class TransactionalTests : IAsyncLifetime
{
    private readonly TestSchema _schema = new();
    private int _attempts;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await (await _schema.OpenAsync()).DisposeAsync();
        await _schema.ExecuteAsync("CREATE TABLE steward.effect (key text NOT NULL, n integer NOT NULL)");
    }

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task Call_Returns_EffectAndResultAreThereTogether()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        await using Harness harness = new(store, Script(Calls_(("pay", new { n = 1 }), ("look", new { }), ("pay", new { n = 2 })), Says("paid")), Harness.Agent(Pay(), Harness.Tool("look", _ => "seen")).Build());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, "paid"), (result.Status, result.Output));
        await HoldsAsync(1, 2);
        List<RunEvent> events = await harness.EventsAsync(result.Run);
        Assert.Equal(2, events.OfType<ToolStarted>().Count(e => e.Effect == ToolEffect.Transactional));
        Assert.Equal(["paid 1", "seen", "paid 2"], events.OfType<ToolReturned>().OrderBy(e => e.Index).Select(e => e.Result));
    }

    [Fact]
    public async Task Call_ThroughADecorator_EffectAndResultAreThereTogether()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        await using Harness harness = new(new DelegatingStore(store), Script(Calls_(("pay", new { n = 1 })), Says("paid")), Harness.Agent(Pay()).Build());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, "paid"), (result.Status, result.Output));
        await HoldsAsync(1);
    }

    [Fact]
    public async Task Method_WithATransaction_GetsTheJournals()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        ToolDefinition pay = ToolFactory.FromMethod(PayAsync, new ToolOptions { Description = "Pays.", Effect = ToolEffect.Transactional });
        Assert.DoesNotContain("transaction", pay.Schema.GetRawText(), StringComparison.Ordinal);
        await using Harness harness = new(store, Script(Calls_(("pay", new { n = 7 })), Says("paid")), Harness.Agent(pay).Build());

        Assert.Equal(RunStatus.Completed, (await harness.RunAsync("go")).Status);

        await HoldsAsync(7);
        ArgumentException error = Assert.Throws<ArgumentException>(() => ToolFactory.FromMethod(PayAsync, new ToolOptions()));
        Assert.Contains("Effect = ToolEffect.Transactional", error.Message, StringComparison.Ordinal);

        async Task<string> PayAsync(int n, DbTransaction transaction)
        {
            await InsertAsync(transaction, "by-method", n);
            return "paid";
        }
    }

    [Fact]
    public async Task Call_Throws_NothingIsWrittenAndTheModelIsTold()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        ToolDefinition pay = Pay((n, _) => n == 1 ? throw new ToolException("Not that one.") : n == 2 ? throw new InvalidOperationException("broke") : Task.CompletedTask);
        await using Harness harness = new(store, Script(Calls_(("pay", new { n = 1 })), Calls_(("pay", new { n = 2 })), Calls_(("pay", new { n = 3 })), Says("paid")), Harness.Agent(pay).Build());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal(RunStatus.Completed, result.Status);
        await HoldsAsync(3);
        ToolFailed[] failed = [.. (await harness.EventsAsync(result.Run)).OfType<ToolFailed>()];
        Assert.Equal([ToolFailure.Reported, ToolFailure.Exception], failed.Select(f => f.Failure));
        Assert.Equal("Not that one.", failed[0].Message);
    }

    [Fact]
    public async Task Call_AnotherTransactionWasInTheWay_IsMadeAgainAndCountsOnce()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        ToolDefinition pay = Pay(async (_, transaction) =>
        {
            if (_attempts == 1)
                await ExecuteAsync(transaction, "DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'; END $$");
        });
        await using Harness harness = new(store, Script(Calls_(("pay", new { n = 1 })), Says("paid")), Harness.Agent(pay).Build());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, 2), (result.Status, _attempts));
        await HoldsAsync(1);
        Assert.Single((await harness.EventsAsync(result.Run)).OfType<ToolStarted>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_AnswerOfTheCommitIsLost_EffectIsThereOnce(bool happened)
    {
        NpgsqlConnectionStringBuilder server = new(Requirement.Postgres().ConnectionString);
        using var proxy = new LossyProxy($"{server.Host}/.s.PGSQL.5432");
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with
        {
            Notify = false,
            ConnectionString = new NpgsqlConnectionStringBuilder(o.ConnectionString!) { Host = "127.0.0.1", Port = proxy.Port, SslMode = SslMode.Disable, GssEncryptionMode = GssEncryptionMode.Disable }.ConnectionString,
        });
        ToolDefinition pay = Pay((_, _) =>
        {
            if (_attempts == 1)
                if (happened)
                    proxy.LoseAnswer();
                else
                    proxy.LoseCommit();
            return Task.CompletedTask;
        });
        await using Harness harness = new(store, Script(Calls_(("pay", new { n = 1 })), Says("paid")), Harness.Agent(pay).Build(), o => (o.LeaseDuration, o.WatchInterval) = (TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(30)));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, 1), (result.Status, proxy.Lost));
        await HoldsAsync(1);
        Assert.Empty((await harness.EventsAsync(result.Run)).OfType<QuestionAsked>());
    }

    [Fact]
    public async Task Call_UnderALeaseThatWasTakenOver_IsRolledBack()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        await using PostgresStewardStore other = await _schema.OpenAsync();
        ToolDefinition pay = Pay(async (_, _) =>
        {
            // While it writes, another node takes the run over: what this one wrote must not stand.
            if (_attempts == 1)
                await _schema.ExecuteAsync("UPDATE steward.run SET epoch = epoch + 1, worker = NULL, claimable_at = clock_timestamp()");
        });
        await using Harness zombie = new(store, Script(Calls_(("pay", new { n = 1 })), Says("paid")), Harness.Agent(pay).Build());

        RunResult result = await zombie.RunAsync("go");

        Assert.Equal((RunStatus.Completed, 2), (result.Status, _attempts));
        await HoldsAsync(1);
        Assert.Equal(2, (await zombie.EventsAsync(result.Run)).OfType<ToolStarted>().Select(e => e.Key).Count());
    }

    [Fact]
    public async Task Call_KillSwitchEngagedMeanwhile_IsRolledBack()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        await using PostgresStewardStore other = await _schema.OpenAsync();
        ToolDefinition pay = Pay(async (_, _) =>
        {
            if (_attempts == 1)
                await other.EngageAsync(new KillSwitch("global", "olga", "stop", DateTimeOffset.UnixEpoch), Token);
        });
        await using Harness harness = new(store, Script(Calls_(("pay", new { n = 1 })), Says("paid")), Harness.Agent(pay).Build());

        RunResult parked = await harness.RunAsync("go");
        Assert.Equal((RunStatus.Awaiting, "kill_switch"), (parked.Status, parked.Reason));
        await HoldsAsync();
        await other.ReleaseAsync("global", Token);

        Assert.Equal(RunStatus.Completed, (await harness.Client.Get(parked.Run).WaitAsync(Token)).Status);
        await HoldsAsync(1);
    }

    [Fact]
    public async Task Call_EndsTheTransactionItself_IsOfUnknownOutcome()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        await using Harness harness = new(store, Script(Calls_(("pay", new { n = 1 })), Says("paid")), Harness.Agent(Pay((_, transaction) => transaction.CommitAsync(Token))).Build());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal(RunStatus.Awaiting, result.Status);
        Assert.Equal(QuestionKind.OutcomeUnknown, Assert.Single(result.Questions).Kind);
        Assert.Contains("Steward commits it", Assert.Single((await harness.EventsAsync(result.Run)).OfType<ToolFailed>()).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_SwallowsAFailedStatement_FailsAndNothingIsWritten()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        ToolDefinition pay = Pay(async (_, transaction) =>
        {
            if (_attempts == 1)
                await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(transaction, "SELECT 1 / 0"));
        });
        await using Harness harness = new(store, Script(Calls_(("pay", new { n = 1 })), Calls_(("pay", new { n = 2 })), Says("paid")), Harness.Agent(pay).Build());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal(RunStatus.Completed, result.Status);
        await HoldsAsync(2);
        Assert.Equal(ToolFailure.Exception, Assert.Single((await harness.EventsAsync(result.Run)).OfType<ToolFailed>()).Failure);
    }

    [Fact]
    public async Task Replay_OfSuchARun_WritesNothing()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        await using Harness harness = new(store, Script(Calls_(("pay", new { n = 1 })), Says("paid")), Harness.Agent(Pay()).Build());
        RunResult result = await harness.RunAsync("go");

        ReplayReport report = await harness.Client.ReplayAsync(result.Run, cancellationToken: Token);

        Assert.Null(report.Divergence);
        await HoldsAsync(1);
    }

    [Fact]
    public async Task Start_OnAStoreThatLendsNoTransactions_IsRefusedWithTheRemedy()
    {
        await using Harness harness = new(new InMemoryStewardStore(TimeProvider.System), Script(Says("paid")), Harness.Agent(Pay()).Build());

        StewardException error = await Assert.ThrowsAsync<StewardException>(() => harness.Client.StartAsync("tester", new RunRequest("go"), Token));

        Assert.Contains("'pay'", error.Message, StringComparison.Ordinal);
        Assert.Contains("Use the PostgreSQL store", error.Message, StringComparison.Ordinal);
    }

    private ToolDefinition Pay(Func<int, DbTransaction, Task>? then = null) => new("pay", "Pays.", JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"""), async (context, arguments, _) =>
    {
        _attempts++;
        int n = arguments.GetProperty("n").GetInt32();
        await InsertAsync(context.Transaction!, context.IdempotencyKey, n);
        if (then is not null)
            await then(n, context.Transaction!);
        return new ToolOutput($"paid {n}");
    })
    { Effect = ToolEffect.Transactional };

    private Task InsertAsync(DbTransaction transaction, string key, int n) => ExecuteAsync(transaction, $"INSERT INTO {_schema.Name}.effect (key, n) VALUES ('{key}', {n})");

    private static async Task ExecuteAsync(DbTransaction transaction, string sql)
    {
        await using DbCommand command = transaction.Connection!.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Token);
    }

    /// <summary>Checks what is in the table of effects.</summary>
    private async Task HoldsAsync(params int[] rows) => Assert.Equal(rows, await _schema.ScalarAsync<int[]>("SELECT coalesce(array_agg(n ORDER BY n), '{}') FROM steward.effect"));
}
