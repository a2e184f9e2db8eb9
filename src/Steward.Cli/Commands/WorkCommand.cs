using System.CommandLine;
using Steward.Cli.Host;
using Steward.Declarative;
using Steward.Declarative.Stores;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward work</c>: a worker for whatever is claimable of some agents.</summary>
internal sealed class WorkCommand(CommandContext context)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(250);

    private readonly Argument<string[]> _agents = new("agent")
    {
        Description = "The agents' folders, or their agent.yaml files.",
        Arity = ArgumentArity.OneOrMore,
    };
    private readonly Option<bool> _untilIdle = CommonOptions.Named<bool>(
        "--until-idle",
        "Stop when every run of these agents has ended or waits for somebody.");
    private readonly WorkerFlags _worker = new();
    private readonly TelemetryFlags _telemetry = new();
    private readonly Option<bool> _scripted = CommonOptions.Scripted();

    public static Command Create(CommandContext context) => new WorkCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "work",
            "Work on every run of these agents that can go on. Ctrl-C gives them back.")
        {
            _agents, _untilIdle, _worker.Concurrency, _worker.Lease, _telemetry.Preset, _telemetry.Content, _telemetry.Traces, _scripted,
        };
        command.SetAction((parse, _) => ExecuteAsync(parse));
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse)
    {
        var options = new AgentFileOptions { Scripted = parse.GetValue(_scripted), Time = context.Time };
        AgentFile[] files = [.. parse.GetValue(_agents)!.Select(path => AgentFile.Load(path, options))];
        string? given = parse.GetValue(CommonOptions.Store);
        if (files.GroupBy(f => (f.Agent.Name, StoreLocator.ForAgent(given, f))).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new UsageException($"The agent '{twice.Key.Name}' is there twice, for the same database. Leave one out.");
        List<OpenStore> stores = [];
        using IDisposable? telemetry = await _telemetry.StartAsync(parse, context.Output);
        var workers = new Workers(context, _worker.Read(parse), _telemetry.Tracing(parse));
        try
        {
            foreach (AgentFile file in files)
            {
                StoreAddress database = StoreLocator.ForAgent(parse.GetValue(CommonOptions.Store), file);
                OpenStore? store = stores.Find(s => s.Address == database);
                if (store is null)
                    stores.Add(store = await OpenStore.OpenAsync(database, context.Output, context.Time));
                await workers.StartAsync(file, store);
            }

            await WaitAsync(workers.Hosts, parse.GetValue(_untilIdle));
        }
        finally
        {
            await workers.DisposeAsync();
            foreach (OpenStore store in stores)
                await store.DisposeAsync();
        }

        return ExitCodes.Ok;
    }

    private async Task WaitAsync(IReadOnlyList<(AgentHost Host, AgentFile File)> hosts, bool untilIdle)
    {
        CancellationToken stopping = context.Shutdown.Stopping;
        using CancellationTokenRegistration note = stopping.Register(
            () => context.Output.ErrorLine("giving the runs back when the actions in hand have ended (Ctrl-C again leaves at once)"));
        try
        {
            while (!untilIdle || !await IsIdleAsync(hosts, stopping))
                await Task.Delay(s_poll, context.Time, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }

    private async Task<bool> IsIdleAsync(IReadOnlyList<(AgentHost Host, AgentFile File)> hosts, CancellationToken cancellationToken)
    {
        foreach ((AgentHost host, AgentFile file) in hosts)
        {
            var query = new RunQuery
            {
                Agent = file.Agent.Name,
                Statuses = [RunStatus.Planning, RunStatus.Executing, RunStatus.Validating, RunStatus.Reflecting, RunStatus.Awaiting],
                Limit = 10_000,
            };
            foreach (RunInfo run in await host.Store.FindAsync(query, cancellationToken))
            {
                if (!await Rest.IsAtRestAsync(host.Store, run, context.Time.GetUtcNow(), cancellationToken))
                    return false;
            }
        }

        return true;
    }
}
