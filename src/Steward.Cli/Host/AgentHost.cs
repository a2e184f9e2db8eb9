using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Steward.Agents;
using Steward.Cli.Agents;
using Steward.Cli.Rendering;
using Steward.Client;
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

    public static AgentHost Create(AgentFile? file, IStewardStore store, Output output, TimeProvider time, IReadOnlyList<IRunObserver>? observers = null, Action<StewardOptions>? configure = null) =>
        Create([.. (file?.All ?? []).Select(f => f.Agent)], Providers(file), [.. (file?.All ?? []).Reverse().SelectMany(f => f.Prices)], store, output, time, observers, configure);

    public static AgentHost Create(
        IReadOnlyList<AgentDefinition> agents,
        IReadOnlyDictionary<string, Func<ModelTarget, Microsoft.Extensions.AI.IChatClient>> providers,
        IReadOnlyList<ModelInfo> prices,
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
            foreach (ModelInfo price in prices)
                options.Prices.Add(price);
            configure?.Invoke(options);
        }).UseStore(store);
        foreach (AgentDefinition agent in agents)
            steward.AddAgent(agent);
        foreach ((string provider, Func<ModelTarget, Microsoft.Extensions.AI.IChatClient> create) in providers)
            steward.AddModels(provider, (_, target) => create(target));
        foreach (IRunObserver observer in observers ?? [])
            steward.AddObserver(observer);
        return new AgentHost(services.BuildServiceProvider(), store);
    }

    /// <summary>The clients of the agent and of those that it calls. Scripted models have a provider in common, and are told apart by their names.</summary>
    private static Dictionary<string, Func<ModelTarget, Microsoft.Extensions.AI.IChatClient>> Providers(AgentFile? file)
    {
        var providers = new Dictionary<string, Func<ModelTarget, Microsoft.Extensions.AI.IChatClient>>(StringComparer.Ordinal);
        foreach (IGrouping<string, AgentFile> users in (file?.All ?? []).SelectMany(f => f.Providers.Keys.Select(k => (Provider: k, File: f))).GroupBy(p => p.Provider, p => p.File))
        {
            AgentFile[] files = [.. users];
            providers[users.Key] = target => files.First(f => f.Agent.Routes.Values.Any(r => r.Targets.Any(t => t.Provider == target.Provider && t.Model == target.Model))).Providers[users.Key](target);
        }

        return providers;
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
