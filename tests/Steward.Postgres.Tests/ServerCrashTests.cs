using System.Collections.Concurrent;
using System.Text.Json;
using Npgsql;
using Steward.Runs;
using Steward.Sqlite.Tests;
using Steward.Storage;
using Steward.Tests.Shared;
using Steward.Tests.Support;
using Steward.Tools;

namespace Steward.Postgres.Tests;

/// <summary>The whole runtime on a server that fails under it. The models are scripted.</summary>
public sealed class ServerCrashTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Runs = 24;
    private const int Steps = 12;
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    /// <summary>Fault D4: the server dies in the middle of commits and recovers from its log.</summary>
    [Fact]
    public async Task D4_ServerDiesInTheMiddleOfCommits_EveryRunEndsAndEveryEffectIsMadeOnce()
    {
        Requirement.Postgres();
        PostgresServer server = PostgresServer.StartOwn();
        try
        {
            var effects = new Effects();
            await using PostgresStewardStore store = await PostgresStewardStore.OpenAsync(new PostgresStoreOptions { ConnectionString = server.ConnectionString }, cancellationToken: Token);
            int crashes = 0;
            await SurviveAsync(store, effects, async () =>
            {
                for (; crashes < 3; crashes++)
                {
                    int before = effects.Count;
                    await UntilAsync(() => effects.Count >= before + 20 || effects.Count == Runs * Steps);
                    server.Crash();
                }
            });
            output.WriteLine($"{Runs} runs of {Steps} effects, {crashes} crashes of the server, each effect once, {effects.Probes} lost results settled by the probe.");
        }
        finally
        {
            server.Stop();
        }
    }

    /// <summary>Fault D8: the primary is read-only for a while, as during a switch-over.</summary>
    [Fact]
    public async Task D8_DatabaseIsReadOnlyForAWhile_RunsGoOnWhenItIsNot()
    {
        Requirement.Postgres();
        PostgresServer server = PostgresServer.StartOwn(); // The setting is the whole database's: other tests have none of it.
        try
        {
            var effects = new Effects();
            await using PostgresStewardStore store = await PostgresStewardStore.OpenAsync(new PostgresStoreOptions { ConnectionString = $"{server.ConnectionString};Application Name=steward-victim" }, cancellationToken: Token);
            await SurviveAsync(store, effects, async () =>
            {
                await UntilAsync(() => effects.Count >= 20);
                await TurnAsync(server, "ALTER DATABASE postgres SET default_transaction_read_only = on");
                int before = effects.Count;
                await Task.WhenAny(UntilAsync(() => effects.Count > before + 100), Task.Delay(TimeSpan.FromSeconds(2), Token));
                await TurnAsync(server, "SET default_transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only");
                Assert.InRange(effects.Count, 20, before + Runs); // What was in flight ends; nothing else begins.
            });
        }
        finally
        {
            server.Stop();
        }
    }

    private static async Task TurnAsync(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString);
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand($"{sql}; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'steward-victim'", connection);
        await command.ExecuteNonQueryAsync(Token);
    }

    /// <summary>Fault D7: fewer connections than runs that want one.</summary>
    [Fact]
    public async Task D7_PoolOfTwoConnections_EveryRunEnds()
    {
        var effects = new Effects();
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with
        {
            Notify = false,
            ConnectionString = o.ConnectionString!.Replace("Maximum Pool Size=10", "Maximum Pool Size=2;Timeout=2", StringComparison.Ordinal),
        });
        await SurviveAsync(store, effects, () => Task.CompletedTask);
    }

    /// <summary>Faults N2 and N4: one node and the database are parted for longer than a lease, both ways or one way, and find each other again.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task N2_N4_OneNodeIsPartedFromTheDatabase_OthersGoOnAndNothingIsDoneTwice(bool requests, bool answers)
    {
        NpgsqlConnectionStringBuilder server = new(_schema.Options.ConnectionString!);
        using var proxy = new LossyProxy($"{server.Host}/.s.PGSQL.5432");
        server.Host = "127.0.0.1";
        server.Port = proxy.Port;
        server.SslMode = SslMode.Disable;
        server.GssEncryptionMode = GssEncryptionMode.Disable;
        var effects = new Effects();
        await using PostgresStewardStore parted = await _schema.OpenAsync(o => o with { ConnectionString = server.ConnectionString });
        await using PostgresStewardStore store = await _schema.OpenAsync();
        await using Harness first = Node(parted, effects), second = Node(store, effects);
        await SurviveAsync(first, store, effects, async () =>
        {
            // The first node has all the runs when it is parted; the second one comes then.
            await UntilAsync(() => effects.Count >= 20);
            proxy.Part(requests, answers);
            await second.StartAsync();
            await UntilAsync(async () => (await store.FindAsync(new RunQuery(), Token)).Any(r => r.Epoch > 1));
            await UntilAsync(() => effects.Count >= Runs * Steps / 2);
            proxy.Heal();
        });
        IReadOnlyList<RunInfo> runs = await store.FindAsync(new RunQuery(), Token);
        output.WriteLine($"{runs.Count(r => r.Epoch > 1)} of {Runs} runs were taken over; {effects.Count} effects, each once, {effects.Probes} lost results settled by the probe.");
    }

    private static async Task SurviveAsync(PostgresStewardStore store, Effects effects, Func<Task> disaster)
    {
        await using Harness node = Node(store, effects);
        await SurviveAsync(node, store, effects, disaster);
    }

    private static async Task SurviveAsync(Harness harness, PostgresStewardStore store, Effects effects, Func<Task> disaster)
    {
        await harness.StartAsync();
        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i => harness.Client.StartAsync("tester", new RunRequest($"go {i}"), Token)));
        await disaster();
        // Asked of the store now and then: whoever waits on a handle is told when the database is gone, and this test waits it out.
        await UntilAsync(async () =>
        {
            try
            {
                return (await store.FindAsync(new RunQuery { Statuses = [RunStatus.Completed] }, Token)).Count == Runs;
            }
            catch (StoreException)
            {
                return false;
            }
        });

        Assert.Equal(Runs * Steps, effects.Count);
        foreach (RunHandle run in runs)
        {
            List<JournalEntry> journal = await TestRun.ReadAsync(store, run.Id);
            Assert.Equal(Steps, journal.Count(e => e.Event is ToolReturned or ToolResolved { Outcome: EffectOutcome.Happened }));
            Assert.DoesNotContain(journal, e => e.Event is QuestionAsked);
        }
    }

    private static Harness Node(PostgresStewardStore store, Effects effects)
    {
        var model = new FunctionModel((messages, _) =>
        {
            int done = messages.Count(m => m.Role == Microsoft.Extensions.AI.ChatRole.Assistant);
            return done == Steps ? FunctionModel.Says("done") : FunctionModel.Calls_(("act", new { n = done }));
        });
        return new Harness(store, model, Harness.Agent(effects.Tool).WithLimits(new Agents.AgentLimits { Iterations = Steps + 5, Attempts = 50 }).Build(), o =>
        {
            o.MaxConcurrentRuns = Runs;
            o.LeaseDuration = TimeSpan.FromSeconds(2);
            o.MaxClaimAttempts = 100;
        });
    }

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (int i = 0; !await condition(); i++)
        {
            Assert.True(i < 4_000, "It never happened.");
            await Task.Delay(20, Token);
        }
    }

    /// <summary>The world: it knows each key that acted, and fails the test when one acts twice.</summary>
    private sealed class Effects
    {
        private readonly ConcurrentDictionary<string, int> _acted = new();
        private int _probes;

        public Effects() => Tool = new ToolDefinition("act", "Acts.", JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"""), async (context, _, _) =>
        {
            await Task.Delay(5, CancellationToken.None);
            Assert.Equal(1, _acted.AddOrUpdate(context.IdempotencyKey, 1, (_, times) => times + 1));
            return new ToolOutput("acted");
        })
        {
            Probe = (context, _, _) =>
            {
                Interlocked.Increment(ref _probes);
                return ValueTask.FromResult(_acted.ContainsKey(context.IdempotencyKey) ? ProbeResult.Happened("acted") : ProbeResult.DidNotHappen);
            },
        };

        public ToolDefinition Tool { get; }

        public int Count => _acted.Values.Sum();

        public int Probes => _probes;
    }
}
