using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Hosting;
using Steward.Models;
using Steward.Orleans;
using Steward.Postgres;

namespace Steward.OrleansHost;

/// <summary>A host that is a silo, or a client, of a test cluster on loopback.</summary>
public static class TestSilo
{
    /// <summary>A silo. The tool's ledger is written at <paramref name="connectionString"/>, however the store is reached.</summary>
    public static IHost Build(string connectionString, string schema, int siloPort, int gatewayPort, Action<StewardOptions>? configure = null, Action<StewardOrleansOptions>? orleans = null, bool notify = true, Func<PostgresStoreOptions, PostgresStoreOptions>? store = null)
    {
        HostApplicationBuilder builder = Begin(connectionString, schema, notify, configure, store);
        Join(builder, siloPort, gatewayPort, orleans);
        return builder.Build();
    }

    /// <summary>Makes an application of the caller's a silo.</summary>
    public static void Configure(IHostApplicationBuilder builder, string connectionString, string schema, int siloPort, int gatewayPort, Action<StewardOrleansOptions>? orleans = null)
    {
        Add(builder, connectionString, schema, notify: true, configure: null, store: null);
        Join(builder, siloPort, gatewayPort, orleans);
    }

    /// <summary>A client.</summary>
    public static IHost BuildClient(string connectionString, string schema, Action<StewardOptions>? configure = null, bool notify = true, Func<PostgresStoreOptions, PostgresStoreOptions>? store = null)
    {
        HostApplicationBuilder builder = Begin(connectionString, schema, notify, configure, store);
        builder.UseStewardOrleansClient();
        return builder.Build();
    }

    /// <summary>A node without Orleans.</summary>
    public static IHost BuildNode(string connectionString, string schema, Action<StewardOptions>? configure = null, bool notify = true, Func<PostgresStoreOptions, PostgresStoreOptions>? store = null) =>
        Begin(connectionString, schema, notify, configure, store).Build();

    private static HostApplicationBuilder Begin(string connectionString, string schema, bool notify, Action<StewardOptions>? configure, Func<PostgresStoreOptions, PostgresStoreOptions>? store)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        Add(builder, connectionString, schema, notify, configure, store);
        return builder;
    }

    private static void Join(IHostApplicationBuilder builder, int siloPort, int gatewayPort, Action<StewardOrleansOptions>? orleans) => builder.UseStewardOrleans(o =>
    {
        (o.Address, o.SiloPort, o.GatewayPort) = (IPAddress.Loopback, siloPort, gatewayPort);
        orleans?.Invoke(o);
    });

    private static void Add(IHostApplicationBuilder builder, string connectionString, string schema, bool notify, Action<StewardOptions>? configure, Func<PostgresStoreOptions, PostgresStoreOptions>? store)
    {
        builder.Logging.AddFilter((category, level) => level >= (category is "Steward" or "Steward.Orleans.Grains.GrainPlacement" ? LogLevel.Warning : LogLevel.Error)).AddSimpleConsole(c => c.SingleLine = true);
        StewardBuilder steward = builder.Services.AddSteward(o =>
            {
                o.Prices.Add(new ModelInfo("scripted", "m", 1, 1, 1, 1, 1_000_000, 1_000, "test", "2026-11-27"));
                o.MaxClaimAttempts = 100;
                o.CancelGrace = TimeSpan.FromMilliseconds(500);
                configure?.Invoke(o);
            })
            .UsePostgres((store ?? (same => same))(new PostgresStoreOptions { ConnectionString = connectionString, Schema = schema, Notify = notify }))
            .AddModels("scripted", static (_, _) => new ScriptedModel());
        foreach (Agents.AgentDefinition agent in ScriptedAgents.All(connectionString, schema))
            steward.AddAgent(agent);
    }
}
