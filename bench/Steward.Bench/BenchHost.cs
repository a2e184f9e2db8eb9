using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Steward.Hosting;
using Steward.Runs;
using Steward.Sqlite;
using Steward.Storage;

namespace Steward.Bench;

/// <summary>A whole runtime as an application has it: container, worker, client; the options are the defaults.</summary>
internal sealed class BenchHost : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly RunWorker _worker;
    private readonly IStewardClient _client;

    private BenchHost(IStewardStore store, Workload work, IChatClient model, int concurrency)
    {
        ServiceCollection services = new();
        services.AddLogging();
        services.AddSteward(o =>
            {
                o.Prices.Add(Workload.Price);
                o.MaxConcurrentRuns = concurrency;
            })
            .UseStore(store)
            .AddModels(Workload.Provider, (_, _) => model)
            .AddAgent(work.Agent);
        _services = services.BuildServiceProvider();
        _worker = _services.GetRequiredService<RunWorker>();
        _client = _services.GetRequiredService<IStewardClient>();
    }

    public static async Task<BenchHost> StartAsync(IStewardStore store, Workload work, IChatClient? model = null, int concurrency = 32)
    {
        BenchHost host = new(store, work, model ?? new CannedModel(work), concurrency);
        await host._worker.StartAsync(CancellationToken.None);
        return host;
    }

    public Task<RunHandle> StartRunAsync() => _client.StartAsync("bench", new RunRequest(Workload.Prompt));

    public RunHandle Get(RunId run) => _client.Get(run);

    /// <summary>Starts a run and waits for its end, as a caller does.</summary>
    public async Task<RunId> RunAsync(RunStatus expected = RunStatus.Completed)
    {
        RunHandle run = await StartRunAsync();
        RunResult result = await run.WaitUntilSettledAsync();
        return result.Status == expected ? run.Id : throw new InvalidOperationException($"The run is {result.Status} ({result.Reason}): {result.Message}");
    }

    public async ValueTask DisposeAsync()
    {
        await _worker.StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
    }
}

/// <summary>A directory that goes away with its user.</summary>
internal sealed class Scratch : IDisposable
{
    private int _files;

    public string Path { get; } = Directory.CreateTempSubdirectory("steward-bench-").FullName;

    public string NewFile() => System.IO.Path.Combine(Path, $"{++_files}.db");

    public static Task<SqliteStewardStore> OpenAsync(string path) =>
        SqliteStewardStore.OpenAsync(new SqliteStoreOptions { Path = path }, TimeProvider.System);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
