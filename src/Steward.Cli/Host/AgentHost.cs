using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Steward.Agents;
using Steward.Cli.Rendering;
using Steward.Client;
using Steward.Declarative;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.Storage;

namespace Steward.Cli.Host;

/// <summary>The runtime for one agent, or for none, on a store that somebody else owns.</summary>
internal sealed class AgentHost : IAsyncDisposable
{
    /// <summary>Shorter than a server's: what a killed shell left behind shall be taken up soon.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(10);

    private readonly ServiceProvider _services;
    private readonly List<IHostedService> _started = [];

    private AgentHost(ServiceProvider services, IStewardStore store)
    {
        _services = services;
        Store = store;
    }

    public IStewardStore Store { get; }

    public IStewardClient Client => _services.GetRequiredService<IStewardClient>();

    public RunHub Hub => _services.GetRequiredService<RunHub>();

    public ModelCatalog Catalog => _services.GetRequiredService<ModelRouter>().Catalog;

    /// <summary>The one run that the worker takes, with its descendants, if set before it starts.</summary>
    public RunId? RootRun
    {
        get => Options.RootRun;
        set => Options.RootRun = value;
    }

    private StewardOptions Options => _services.GetRequiredService<IOptions<StewardOptions>>().Value;

    public static AgentHost Create(
        AgentFile? file,
        IStewardStore store,
        Output output,
        TimeProvider time,
        IReadOnlyList<IRunObserver>? observers = null,
        Action<StewardOptions>? configure = null,
        Action<StewardBuilder>? telemetry = null) =>
        CreateWith(
            steward =>
            {
                _ = file is null ? steward : steward.AddAgentFile(file);
                telemetry?.Invoke(steward);
            },
            store,
            output,
            time,
            observers,
            configure);

    public static AgentHost CreateWith(
        Action<StewardBuilder> add,
        IStewardStore store,
        Output output,
        TimeProvider time,
        IReadOnlyList<IRunObserver>? observers = null,
        Action<StewardOptions>? configure = null,
        LogLevel least = LogLevel.Warning)
    {
        var services = new ServiceCollection();
        services.AddSingleton(time);
        services.AddLogging(logging => logging.AddProvider(new StderrLoggerProvider(output, least)));
        StewardBuilder steward = services.AddSteward(options =>
        {
            options.LeaseDuration = Lease;
            options.DrainGrace = s_drain;
            options.PollInterval = TimeSpan.FromMilliseconds(500);
            configure?.Invoke(options);
        }).UseStore(store);
        add(steward);
        foreach (IRunObserver observer in observers ?? [])
            steward.AddObserver(observer);
        return new AgentHost(services.BuildServiceProvider(), store);
    }

    public async Task StartWorkerAsync()
    {
        foreach (IHostedService service in _services.GetServices<IHostedService>())
        {
            _started.Add(service);
            await service.StartAsync(CancellationToken.None);
        }
    }

    /// <summary>Gives every run back: what is in flight may end within the drain time.</summary>
    public async Task StopWorkerAsync()
    {
        // Backwards, as a host does it: what the worker's last commits raise is still delivered.
        foreach (IHostedService service in _started.AsEnumerable().Reverse())
            await service.StopAsync(CancellationToken.None);
        _started.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await StopWorkerAsync();
        await _services.DisposeAsync();
    }
}
