using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tests.Tools;
using Steward.Tools;
using Steward.Tools.Declarative;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Scenarios;

/// <summary>Forty tools that block their threads, a statement and a child that never end, under 32 slots: nobody else notices.</summary>
public sealed class BlockingToolsTests(ITestOutputHelper output) : IDisposable
{
    private const int Blocking = 40;
    private const int Slots = 32;
    private const string Endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n";

    private static readonly TimeSpan s_grace = TimeSpan.FromMilliseconds(300);

    private readonly SqliteTestDatabase _database = new("CREATE TABLE t (id INTEGER)");
    private readonly ManualResetEventSlim _release = new();
    private readonly TaskCompletionSource _childAtWork = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _release.Set();
        _database.Dispose();
    }

    [Fact]
    public async Task FortyBlockingToolsAnEndlessStatementAndAnEndlessChild_OthersGoOnAndCancelAndKillEndThem()
    {
        await using ServiceProvider services = Services();
        var client = services.GetRequiredService<IStewardClient>();
        var worker = services.GetRequiredService<RunWorker>();
        (int threads, long memory) = Footprint();
        await worker.StartAsync(Token);
        try
        {
            RunHandle statement = await client.StartAsync("tester", new RunRequest("query"), Token);
            RunHandle parent = await client.StartAsync("tester", new RunRequest("child"), Token);
            RunHandle[] blocked = await StartAsync(client, "block", Blocking);
            await _childAtWork.Task.WaitAsync(TimeSpan.FromSeconds(30), Token);
            var watch = Stopwatch.StartNew();
            RunHandle[] others = await StartAsync(client, "other", 40);
            foreach (RunHandle run in others)
                Assert.Equal(RunStatus.Completed, (await run.WaitAsync(Token).WaitAsync(TimeSpan.FromSeconds(60), Token)).Status);
            output.WriteLine($"40 other runs: {watch.Elapsed.TotalSeconds:0.0} s");
            foreach (RunHandle run in blocked)
                Assert.Equal(RunStatus.Completed, (await run.WaitAsync(Token).WaitAsync(TimeSpan.FromSeconds(60), Token)).Status);

            Handlers handlers = services.GetRequiredService<Handlers>();
            (int threadsNow, long memoryNow) = Footprint();
            output.WriteLine($"abandoned {handlers.Abandoned}, threads {threads} → {threadsNow}, memory {memory >> 20} → {memoryNow >> 20} MiB");
            Assert.Equal(Blocking, handlers.Abandoned);
            // Threads of other tests come and go beside these.
            Assert.InRange(threadsNow - threads, int.MinValue, Blocking + Slots + 40);
            Assert.InRange(memoryNow - memory, long.MinValue, 100 << 20);

            await EndsAsync("cancel of the statement", statement, RunStatus.Cancelled, () => statement.CancelAsync("ana", cancellationToken: Token).AsTask());
            await EndsAsync("cancel of the child's parent", parent, RunStatus.Cancelled, () => parent.CancelAsync("ana", cancellationToken: Token).AsTask());
            RunHandle again = await client.StartAsync("tester", new RunRequest("query"), Token);
            Assert.True(SpinWait.SpinUntil(() => services.GetRequiredService<RunEngine>().Active.ContainsKey(again.Id), TimeSpan.FromSeconds(10)));
            watch.Restart();
            await services.GetRequiredService<IStewardStore>().EngageAsync(new KillSwitch("global", "ana", "a drill", TimeProvider.System.GetUtcNow()), Token);
            Assert.True(SpinWait.SpinUntil(() => !services.GetRequiredService<RunEngine>().Active.ContainsKey(again.Id), TimeSpan.FromSeconds(10)));
            output.WriteLine($"kill of a statement: {watch.ElapsedMilliseconds} ms");
            _release.Set();
            Assert.True(SpinWait.SpinUntil(() => handlers.Abandoned == 1, TimeSpan.FromSeconds(30)), $"{handlers.Abandoned} are left"); // The child's hangs for ever.
        }
        finally
        {
            await worker.StopAsync(CancellationToken.None);
        }
    }

    private async Task EndsAsync(string what, RunHandle run, RunStatus status, Func<Task> stop)
    {
        var watch = Stopwatch.StartNew();
        await stop();
        Assert.Equal(status, (await run.WaitAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token)).Status);
        output.WriteLine($"{what}: {watch.ElapsedMilliseconds} ms");
    }

    private static async Task<RunHandle[]> StartAsync(IStewardClient client, string what, int runs)
    {
        var handles = new RunHandle[runs];
        for (int i = 0; i < runs; i++)
            handles[i] = await client.StartAsync("tester", new RunRequest($"{what} {i}"), Token);
        return handles;
    }

    private static (int Threads, long Memory) Footprint()
    {
        using var process = Process.GetCurrentProcess();
        return (process.Threads.Count, GC.GetTotalMemory(forceFullCollection: true));
    }

    private ServiceProvider Services()
    {
        var schema = JsonElement.Parse("""{"type":"object"}""");
        ToolDefinition[] blocking = [.. Enumerable.Range(0, Blocking).Select(i => new ToolDefinition($"block{i}", "Blocks.", schema, (_, _, _) =>
        {
            _release.Wait(CancellationToken.None);
            return new(new ToolOutput("late"));
        }) { Effect = ToolEffect.ReadOnly, Timeout = TimeSpan.FromMilliseconds(300) })];
        ToolDefinition hang = new("hang", "Never ends.", schema, async (_, _, _) =>
        {
            _childAtWork.TrySetResult();
            await Task.Delay(Timeout.Infinite, CancellationToken.None);
            return new ToolOutput("never");
        }) { Effect = ToolEffect.ReadOnly, Timeout = TimeSpan.FromHours(1) };
        ToolDefinition query = SqlTool.Create(new SqlToolOptions
        {
            Name = "query", Description = "Never ends.", Database = _database.Database, Statement = Endless, Timeout = TimeSpan.FromHours(1),
        });
        ToolDefinition quick = Harness.Tool("quick", _ => "ok");
        var model = new FunctionModel((messages, _) =>
        {
            if (messages.Any(m => m.Role == ChatRole.Tool))
                return Says("done");
            string[] words = messages.First(m => m.Role == ChatRole.User).Text.Split(' ');
            return words[0] switch
            {
                "block" => Calls_(($"block{words[1]}", new { })),
                "query" => Calls_(("query", new { })),
                "child" => Calls_(("helper", new { task = "hang" })),
                "hang" => Calls_(("hang", new { })),
                _ => Calls_(("quick", new { })),
            };
        });
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSteward(o =>
            {
                o.Prices.Add(Harness.Price);
                o.MaxConcurrentRuns = Slots;
                o.PollInterval = TimeSpan.FromMilliseconds(50);
                o.WatchInterval = TimeSpan.FromMilliseconds(20);
                o.CancelGrace = s_grace;
            })
            .UseInMemoryStore()
            .AddModels(Harness.Provider, (_, _) => model)
            .AddAgent(new AgentBuilder("helper").Instruct("You help.").UseModel(Harness.Model).AddTools(hang).Build())
            .AddAgent(Harness.Agent([.. blocking, query, quick, BuiltInTools.Agent("helper", "Helps.")]).Build());
        return services.BuildServiceProvider();
    }
}
