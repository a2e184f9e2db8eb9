using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Messaging;
using Orleans.Runtime;
using Steward.Client;
using Steward.Engine;
using Steward.Hosting;
using Steward.Orleans.Grains;
using Steward.Orleans.Live;
using Steward.Orleans.Membership;

namespace Steward.Orleans;

/// <summary>Makes an application with Steward a part of an Orleans cluster.</summary>
public static class HostExtensions
{
    /// <summary>Makes this process a silo: runs are placed by Orleans, and signals and live streams reach the silo that holds a
    /// run. Call <c>AddSteward()</c> and <c>UsePostgres()</c> before: the list of silos is kept in the store's database.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="configure">Ports, names and time limits.</param>
    /// <exception cref="ArgumentException">An option is not usable.</exception>
    /// <exception cref="InvalidOperationException">Steward was not added before.</exception>
    public static IHostApplicationBuilder UseStewardOrleans(
        this IHostApplicationBuilder builder,
        Action<StewardOrleansOptions>? configure = null)
    {
        StewardOrleansOptions options = Prepare(builder, configure);
        builder.Services.AddOptions<StewardOptions>().PostConfigure<ILocalSiloDetails>(NameByAddress);
        builder.Services.AddSingleton<GrainPlacement>();
        builder.Services.AddSingleton<IRunPlacement>(static s => s.GetRequiredService<GrainPlacement>());
        builder.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, SiloWork>();
        builder.Services.AddSingleton<LiveTopics>();
        builder.Services.AddSingleton<IRunObserver>(static s => s.GetRequiredService<LiveTopics>());
        return builder.UseOrleans(silo => Configure(silo, options));
    }

    /// <summary>Makes this process a client of the cluster: it starts runs, and its
    /// signals and live streams take the short way; it works on none.</summary>
    /// <inheritdoc cref="UseStewardOrleans"/>
    public static IHostApplicationBuilder UseStewardOrleansClient(
        this IHostApplicationBuilder builder,
        Action<StewardOrleansOptions>? configure = null)
    {
        StewardOrleansOptions options = Prepare(builder, configure);
        builder.Services.AddOptions<StewardOptions>().PostConfigure(static o => o.RunWorker = false);
        builder.Services.AddSingleton<IGatewayListProvider, GatewayList>();
        return builder.UseOrleansClient(client => client
            .Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (options.ClusterId, options.ClusterId))
            .Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = options.MembershipRefresh));
    }

    private static StewardOrleansOptions Prepare(IHostApplicationBuilder builder, Action<StewardOrleansOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (!builder.Services.Any(static d => d.ServiceType == typeof(RunHub)))
            throw new InvalidOperationException(
                "Steward is not there yet: call builder.Services.AddSteward().UsePostgres(…) before UseStewardOrleans.");
        if (builder.Services.Any(static d => d.ServiceType == typeof(StewardOrleansOptions)))
            throw new InvalidOperationException(
                "This process is a part of a cluster already: call UseStewardOrleans or UseStewardOrleansClient, once.");
        var options = new StewardOrleansOptions();
        configure?.Invoke(options);
        options.Validate();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<SiloRows>();
        builder.Services.AddSingleton<GrainCalls>();
        builder.Services.AddSingleton<RunRelay>();
        builder.Services.AddHostedService(static s => s.GetRequiredService<RunRelay>());
        builder.Services.Replace(ServiceDescriptor.Singleton<IRunStreams, RunStreams>());
        return options;
    }

    /// <summary>Signals find the silo of a run by the name of the worker that has it.</summary>
    private static void NameByAddress(StewardOptions options, ILocalSiloDetails silo)
    {
        if (options.WorkerName is { } name)
            throw new ArgumentException(
                $"StewardOptions.WorkerName is '{name}'; in a silo a worker is named by the silo's address, by which signals find it. Leave it unset.");
        options.WorkerName = silo.SiloAddress.ToParsableString();
    }

    private static void Configure(ISiloBuilder silo, StewardOrleansOptions options)
    {
        silo.Services.AddSingleton<IMembershipTable, MembershipTable>();
        silo.Services.AddSingleton<SiloServices>();
        silo.AddGrainService<SiloService>();
        silo.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (options.ClusterId, options.ClusterId));
        silo.Configure<ClusterMembershipOptions>(o =>
        {
            o.ProbeTimeout = options.ProbeTimeout;
            o.NumMissedProbesLimit = options.MissedProbes;
            o.TableRefreshTimeout = options.MembershipRefresh;
            o.IAmAliveTablePublishTimeout = options.MembershipRefresh;
        });
        if (options.Address is { } address)
            silo.ConfigureEndpoints(address, options.SiloPort, options.GatewayPort, listenOnAnyHostAddress: false);
        else
            silo.ConfigureEndpoints(options.SiloPort, options.GatewayPort);
        options.ConfigureSilo?.Invoke(silo);
    }
}
