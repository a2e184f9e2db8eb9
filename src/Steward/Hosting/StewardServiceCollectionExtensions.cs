using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Steward.Agents;
using Steward.Client;
using Steward.Diagnostics;
using Steward.Diagnostics.Alerts;
using Steward.Diagnostics.Metrics;
using Steward.Diagnostics.Tracing;
using Steward.Engine;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;

namespace Steward.Hosting;

/// <summary>Adds Steward to an application.</summary>
public static class StewardServiceCollectionExtensions
{
    /// <summary>Adds the runtime: a client to start runs, and a worker that runs them in this process.</summary>
    public static StewardBuilder AddSteward(this IServiceCollection services, Action<StewardOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<StewardOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<StewardOptions>, StewardOptionsValidator>());
        if (configure is not null)
            services.Configure(configure);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IStewardStore>(static _ => throw new InvalidOperationException(
            "No store is registered, so there is nowhere to keep runs. Call UseSqlite(...), UsePostgres(...) or UseStore(...) on what AddSteward returns; UseInMemoryStore() is for tests."));
        services.TryAddSingleton<RunHub>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IRunObserver, LoggingObserver>(static s => new LoggingObserver(LoggerOf<LoggingObserver>(s))));
        services.TryAddSingleton(static s => new StewardMeter(s.GetService<IMeterFactory>(), s.GetRequiredService<Handlers>()));
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IRunObserver, StewardMeter>(static s => s.GetRequiredService<StewardMeter>()));
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IRunObserver, RunMeter>(static s => new RunMeter(s.GetRequiredService<StewardMeter>())));
        services.TryAddSingleton(static s => new Handlers(s.GetRequiredService<IOptions<StewardOptions>>().Value.MaxAbandonedCalls));
        AddTracing(services);
        services.TryAddSingleton(CreateAlertSender);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IRunObserver, AlertSender>(static s => s.GetRequiredService<AlertSender>()));
        services.TryAddSingleton(static s => new AgentRegistry(s.GetServices<AgentDefinition>()));
        services.TryAddSingleton(CreateRouter);
        services.TryAddSingleton(CreatePoll);
        services.TryAddSingleton(CreateStreams);
        services.TryAddSingleton<IRunStreams>(static s => s.GetRequiredService<LocalRunStreams>());
        services.TryAddSingleton(CreateEngine);
        services.TryAddSingleton(CreateClient);
        services.TryAddSingleton(static s => new RunWorker(
            s.GetRequiredService<IStewardStore>(),
            s.GetRequiredService<AgentRegistry>(),
            s.GetRequiredService<RunEngine>(),
            s.GetRequiredService<RunHub>(),
            s.GetRequiredService<IOptions<StewardOptions>>().Value,
            s.GetRequiredService<TimeProvider>(),
            LoggerOf<RunWorker>(s),
            s.GetService<IRunPlacement>()));
        services.TryAddSingleton<IRunWorker>(static s => s.GetRequiredService<RunWorker>());
        // In this order: a host stops its services backwards, and the worker's last commits raise alerts and end spans.
        services.AddHostedService(static s => s.GetRequiredService<TraceObserver>());
        services.AddHostedService(static s => s.GetRequiredService<AlertSender>());
        services.AddHostedService(static s => new HintListener(s.GetRequiredService<IStewardStore>(), s.GetRequiredService<RunHub>()));
        services.AddHostedService(static s => s.GetRequiredService<RunWorker>());
        return new StewardBuilder(services);
    }

    /// <summary>Costs nothing until somebody listens to the activity source.</summary>
    private static void AddTracing(IServiceCollection services)
    {
        services.AddOptions<TracingOptions>();
        services.TryAddSingleton<SpanSource>();
        services.TryAddSingleton(static s => new EffectActivities(s.GetRequiredService<SpanSource>()));
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IEffectScope, EffectActivities>(static s => s.GetRequiredService<EffectActivities>()));
        services.TryAddSingleton(static s => new TraceObserver(
            s.GetRequiredService<SpanSource>(),
            s.GetRequiredService<EffectActivities>(),
            s.GetRequiredService<IStewardStore>,
            s.GetRequiredService<IOptions<TracingOptions>>().Value,
            s.GetRequiredService<StewardMeter>(),
            s.GetRequiredService<TimeProvider>(),
            LoggerOf<TraceObserver>(s)));
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IRunObserver, TraceObserver>(static s => s.GetRequiredService<TraceObserver>()));
    }

    /// <summary>A logger where the application logs; silence where it does not.</summary>
    private static ILogger<T> LoggerOf<T>(IServiceProvider services) =>
        (services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger<T>();

    private static AlertSender CreateAlertSender(IServiceProvider services)
    {
        StewardOptions options = services.GetRequiredService<IOptions<StewardOptions>>().Value;
        return new AlertSender(
            options.AlertWebhook,
            options.AlertWebhookSecret,
            options.AlertDelivery,
            services.GetRequiredService<TimeProvider>(),
            LoggerOf<AlertSender>(services));
    }

    private static ModelRouter CreateRouter(IServiceProvider services)
    {
        Dictionary<string, ModelProvider> providers = services.GetServices<ModelProvider>()
            .GroupBy(p => p.Name, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Last(), StringComparer.Ordinal);
        StewardOptions options = services.GetRequiredService<IOptions<StewardOptions>>().Value;
        return new ModelRouter(
            target => providers.TryGetValue(target.Provider, out ModelProvider? provider) ? provider.Create(services, target) : null,
            ModelCatalog.Default.With([.. options.Prices]),
            options.Retry,
            services.GetRequiredService<TimeProvider>());
    }

    private static IStewardClient CreateClient(IServiceProvider services)
    {
        StewardOptions options = services.GetRequiredService<IOptions<StewardOptions>>().Value;
        return new StewardClient(
            services.GetRequiredService<IStewardStore>(),
            services.GetRequiredService<AgentRegistry>(),
            services.GetRequiredService<RunHub>(),
            services.GetRequiredService<RunPoll>(),
            [.. options.Prices],
            services.GetRequiredService<ModelRouter>(),
            services.GetRequiredService<IRunStreams>(),
            services.GetRequiredService<TimeProvider>());
    }

    private static RunPoll CreatePoll(IServiceProvider services) => new(
        services.GetRequiredService<IStewardStore>(),
        services.GetRequiredService<RunHub>(),
        services.GetRequiredService<IOptions<StewardOptions>>().Value.PollInterval,
        services.GetRequiredService<TimeProvider>(),
        services.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None);

    private static LocalRunStreams CreateStreams(IServiceProvider services) => new(
        services.GetRequiredService<IStewardStore>(),
        services.GetRequiredService<RunPoll>(),
        services.GetRequiredService<IOptions<StewardOptions>>().Value.FollowQueue);

    /// <remarks>Streams come before the hub: whom the hub wakes then finds the text that was said before the commit.</remarks>
    private static RunEngine CreateEngine(IServiceProvider services) => new(
        services.GetRequiredService<IStewardStore>(),
        services.GetRequiredService<AgentRegistry>(),
        services.GetRequiredService<ModelRouter>(),
        services.GetRequiredService<IOptions<StewardOptions>>().Value,
        services.GetRequiredService<TimeProvider>(),
        new IsolatedObservers(
            [
                services.GetRequiredService<LocalRunStreams>(),
                services.GetRequiredService<RunHub>(),
                .. services.GetServices<IRunObserver>(),
            ],
            LoggerOf<IRunObserver>(services)),
        services,
        services.GetService<ILoggerFactory>()?.CreateLogger("Steward") ?? NullLogger.Instance,
        EffectScopes.Of([.. services.GetServices<IEffectScope>()]),
        services.GetRequiredService<Handlers>());
}

/// <summary>Says what Steward runs with; reads as a sentence.</summary>
public sealed class StewardBuilder
{
    internal StewardBuilder(IServiceCollection services) => Services = services;

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds an agent.</summary>
    public StewardBuilder AddAgent(AgentDefinition agent)
    {
        Services.AddSingleton(agent);
        return this;
    }

    /// <summary>Adds an agent that is made from the application's services.</summary>
    public StewardBuilder AddAgent(Func<IServiceProvider, AgentDefinition> create)
    {
        Services.AddSingleton(create);
        return this;
    }

    /// <summary>Adds the models of a provider: anything that is an <see cref="IChatClient"/>.</summary>
    /// <param name="provider">The name that routes use, for example <c>anthropic</c>.</param>
    /// <param name="create">Makes the client of a target; called once for each.</param>
    public StewardBuilder AddModels(string provider, Func<IServiceProvider, ModelTarget, IChatClient> create)
    {
        Services.AddSingleton(new ModelProvider(provider, create));
        return this;
    }

    /// <summary>Hears of every run on this process's worker.</summary>
    public StewardBuilder AddObserver(IRunObserver observer)
    {
        Services.AddSingleton(observer);
        return this;
    }

    /// <summary>Keeps runs in a store.</summary>
    public StewardBuilder UseStore(Func<IServiceProvider, IStewardStore> create)
    {
        Services.Replace(ServiceDescriptor.Singleton(create));
        return this;
    }

    /// <summary>Keeps runs in a store that the caller owns and disposes.</summary>
    public StewardBuilder UseStore(IStewardStore store)
    {
        Services.Replace(ServiceDescriptor.Singleton(store));
        return this;
    }

    /// <summary>Keeps runs in memory only: for tests. Nothing survives the process.</summary>
    public StewardBuilder UseInMemoryStore() => UseStore(static s => new InMemoryStewardStore(s.GetRequiredService<TimeProvider>()));
}

internal sealed record ModelProvider(string Name, Func<IServiceProvider, ModelTarget, IChatClient> Create);
