using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Commands;
using Steward.Cli.Rendering;
using Steward.Cli.Serving;
using Steward.Declarative;
using Steward.Engine;
using Steward.Hosting;

namespace Steward.Cli.Host;

/// <summary>The options of commands that work on whatever is claimable.</summary>
internal sealed class WorkerFlags
{
    public Option<int> Concurrency { get; } = new("--concurrency")
    {
        Description = "Most runs at the same time, for each agent.",
        HelpName = "runs",
        DefaultValueFactory = _ => 8,
    };

    public Option<double> Lease { get; } = new("--lease")
    {
        Description = "How long others leave this worker's runs alone without a sign of life from it, in seconds.",
        HelpName = "seconds",
        DefaultValueFactory = _ => AgentHost.Lease.TotalSeconds,
    };

    /// <exception cref="UsageException">A value is out of its range.</exception>
    public Action<StewardOptions> Read(ParseResult parse)
    {
        if (parse.GetValue(Lease) is not (>= 0.5 and <= 3_600 and var lease))
            throw new UsageException("--lease must be 0.5 to 3600 seconds.");
        if (parse.GetValue(Concurrency) is not (>= 1 and <= 10_000 and var concurrency))
            throw new UsageException("--concurrency must be 1 to 10000.");
        AlertVariables alerts = AlertVariables.Read();
        return o =>
        {
            o.MaxConcurrentRuns = concurrency;
            o.LeaseDuration = TimeSpan.FromSeconds(lease);
            alerts.Apply(o);
        };
    }
}

/// <summary>A worker for each of some agents. Disposing it gives their runs back.</summary>
internal sealed class Workers(
    CommandContext context,
    Action<StewardOptions> configure,
    Action<StewardBuilder>? telemetry = null) : IAsyncDisposable
{
    private readonly List<(AgentHost Host, AgentFile File)> _hosts = [];

    public IReadOnlyList<(AgentHost Host, AgentFile File)> Hosts => _hosts;

    /// <param name="file">The agent.</param>
    /// <param name="store">Its database.</param>
    /// <param name="api">Hears of what the worker does, and tells it of what was started or sent, if this process serves too.</param>
    public async Task StartAsync(AgentFile file, OpenStore store, ApiHost? api = null)
    {
        IRunObserver[] observers = [new WorkObserver(context.Output), .. api?.Observers ?? []];
        var host = AgentHost.Create(file, store.Store, context.Output, context.Time, observers, configure, telemetry);
        _hosts.Add((host, file));
        if (api is not null)
            api.Hub.Notified += host.Hub.Hint;
        await host.StartWorkerAsync();
        context.Output.Line($"working on '{file.Agent.Name}' ({file.ModelDescription}) in {store.Address}", Styles.Bold);
        context.Output.JsonLine(
            new JsonObject { ["type"] = "working", ["agent"] = file.Agent.Name, ["speaker"] = file.ModelDescription,
                ["store"] = store.Address.Name });
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_hosts.Select(h => h.Host.DisposeAsync().AsTask()));
        _hosts.Clear();
    }
}
