using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Steward.Agents;
using Steward.Hosting;
using Steward.Postgres;
using Steward.Sqlite;
using Steward.Storage;

namespace Steward.ClusterBench.Node;

/// <summary>A node: the runtime as an application has it, on a store that is watched. Its models are scripted; its tools act on the ledger's server.</summary>
internal static class NodeHost
{
    private const int MostAttempts = 30;

    public static async Task<int> RunAsync(NodeOptions options)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddConsole().Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        await using IStewardStore store = await OpenAsync(options);
        using NodeLog log = new(options);
        using HttpTools tools = new(options);
        builder.Services.AddSteward(o => Configure(o, options))
            .UseStore(WatchedStore.Watch(store, log))
            .AddObserver(log)
            .AddModels(PlanModel.Provider, (_, _) => new PlanModel(TimeSpan.FromMilliseconds(options.ModelMs)))
            .AddAgents(ClusterAgents.All(options.Version, tools));
        using IHost host = builder.Build();
        await host.StartAsync();
        Console.WriteLine("ready");
        await host.WaitForShutdownAsync();
        return 0;
    }

    /// <summary>Opens the store. A database that is away while a node starts is tried again, as a service manager would.</summary>
    public static async Task<IStewardStore> OpenAsync(NodeOptions options)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return options.IsSqlite
                    ? await SqliteStewardStore.OpenAsync(new SqliteStoreOptions { Path = options.Store }, TimeProvider.System)
                    : await PostgresStewardStore.OpenAsync(new PostgresStoreOptions { ConnectionString = options.Store, Pooled = options.IsPooled, LosslessFailover = options.IsLossless, TransactionTimeout = TimeSpan.FromSeconds(3) });
            }
            catch (StoreException e) when (attempt < MostAttempts)
            {
                await Console.Error.WriteLineAsync(e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(250));
            }
        }
    }

    public static StewardBuilder AddAgents(this StewardBuilder builder, IEnumerable<AgentDefinition> agents) => agents.Aggregate(builder, (b, agent) => b.AddAgent(agent));

    private static void Configure(StewardOptions o, NodeOptions options)
    {
        o.Prices.Add(PlanModel.Price);
        o.WorkerName = options.Name;
        o.LeaseDuration = TimeSpan.FromMilliseconds(options.LeaseMs);
        o.MaxConcurrentRuns = options.Concurrency;
        o.PollInterval = TimeSpan.FromMilliseconds(100);
        o.WatchInterval = TimeSpan.FromMilliseconds(100);
        o.CancelGrace = TimeSpan.FromSeconds(1);
        o.DrainGrace = TimeSpan.FromSeconds(2);
        o.VersionPatience = TimeSpan.FromSeconds(15);
        o.MaxClaimAttempts = 100; // Here processes die, not by the fault of any run.
    }
}
