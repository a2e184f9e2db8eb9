using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Client;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.Sqlite;
using Steward.Storage;

namespace Steward.Bench;

/// <summary>A whole runtime as an application has it: container, worker, client; the options are the defaults.</summary>
internal sealed class BenchHost : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly RunWorker _worker;
    private readonly HintListener _listener;
    private readonly IStewardClient _client;

    private BenchHost(IStewardStore store, Workload work, IChatClient model, int concurrency, Action<StewardOptions>? configure)
    {
        ServiceCollection services = new();
        services.AddLogging();
        services.AddSteward(o =>
            {
                o.Prices.Add(Workload.Price);
                o.MaxConcurrentRuns = concurrency;
                configure?.Invoke(o);
            })
            .UseStore(store)
            .AddModels(Workload.Provider, (_, _) => model)
            .AddAgent(work.Agent);
        _services = services.BuildServiceProvider();
        _worker = _services.GetRequiredService<RunWorker>();
        _listener = _services.GetServices<IHostedService>().OfType<HintListener>().Single();
        _client = _services.GetRequiredService<IStewardClient>();
    }

    /// <param name="store">Where runs are kept.</param>
    /// <param name="load">What they do.</param>
    /// <param name="model">What answers them; the canned model, if none is given.</param>
    /// <param name="concurrency">Most runs at once.</param>
    /// <param name="configure">Changes the options.</param>
    /// <param name="delay">How long the canned model takes.</param>
    /// <param name="work">Whether this process works on runs, or only starts them.</param>
    public static async Task<BenchHost> StartAsync(IStewardStore store, Workload load, IChatClient? model = null, int concurrency = 32, Action<StewardOptions>? configure = null, TimeSpan delay = default, bool work = true)
    {
        BenchHost host = new(store, load, model ?? new CannedModel(load, delay), concurrency, configure);
        await host._listener.StartAsync(CancellationToken.None);
        if (work)
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
        await _listener.StopAsync(CancellationToken.None);
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
