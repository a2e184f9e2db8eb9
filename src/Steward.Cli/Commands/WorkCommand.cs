using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Agents;
using Steward.Cli.Agents;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Diagnostics;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward work</c>: a worker for whatever is claimable of some agents.</summary>
internal sealed class WorkCommand(CommandContext context)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(250);

    private readonly Argument<string[]> _agents = new("agent") { Description = "The agents' folders, or their agent.yaml files.", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _untilIdle = CommonOptions.Named<bool>("--until-idle", "Stop when every run of these agents has ended or waits for somebody.");
    private readonly Option<int> _concurrency = new("--concurrency") { Description = "Most runs at the same time, for each agent.", HelpName = "runs", DefaultValueFactory = _ => 8 };
    private readonly Option<double> _lease = new("--lease") { Description = "How long others leave this worker's runs alone without a sign of life from it, in seconds.", HelpName = "seconds", DefaultValueFactory = _ => AgentHost.Lease.TotalSeconds };
    private readonly Option<bool> _scripted = CommonOptions.Scripted();

    public static Command Create(CommandContext context) => new WorkCommand(context).Create();

    private Command Create()
    {
        var command = new Command("work", "Work on every run of these agents that can go on. Ctrl-C gives them back.") { _agents, _untilIdle, _concurrency, _lease, _scripted };
        command.SetAction((parse, _) => ExecuteAsync(parse));
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse)
    {
        AgentFile[] files = [.. parse.GetValue(_agents)!.Select(path => AgentLoader.Load(path, new AgentLoadOptions { Scripted = parse.GetValue(_scripted), Time = context.Time }))];
        if (files.GroupBy(f => (f.Agent.Name, StoreLocator.ForAgent(parse.GetValue(CommonOptions.Store), f))).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new UsageException($"The agent '{twice.Key.Name}' is there twice, for the same database. Leave one out.");
        if (parse.GetValue(_lease) is not (>= 0.5 and <= 3_600))
            throw new UsageException("--lease must be 0.5 to 3600 seconds.");
        if (parse.GetValue(_concurrency) is < 1 or > 10_000)
            throw new UsageException("--concurrency must be 1 to 10000.");
        List<OpenStore> stores = [];
        List<(AgentHost Host, AgentFile File)> hosts = [];
        try
        {
            await StartAsync(parse, files, stores, hosts);
            await WaitAsync(hosts, parse.GetValue(_untilIdle));
        }
        finally
        {
            await Task.WhenAll(hosts.Select(h => h.Host.DisposeAsync().AsTask()));
            foreach (OpenStore store in stores)
                await store.DisposeAsync();
        }

        return ExitCodes.Ok;
    }

    private async Task StartAsync(ParseResult parse, AgentFile[] files, List<OpenStore> stores, List<(AgentHost Host, AgentFile File)> hosts)
    {
        AlertVariables alerts = AlertVariables.Read();
        foreach (AgentFile file in files)
        {
            StoreAddress database = StoreLocator.ForAgent(parse.GetValue(CommonOptions.Store), file);
            OpenStore? store = stores.Find(s => s.Address == database);
            if (store is null)
                stores.Add(store = await OpenStore.OpenAsync(database, context.Output, context.Time));
            var host = AgentHost.Create(file, store.Store, context.Output, context.Time, new WorkObserver(context.Output), o =>
            {
                o.MaxConcurrentRuns = parse.GetValue(_concurrency);
                o.LeaseDuration = TimeSpan.FromSeconds(parse.GetValue(_lease));
                alerts.Apply(o);
            });
            hosts.Add((host, file));
            await host.StartWorkerAsync();
            context.Output.Line($"working on '{file.Agent.Name}' ({file.Speaker}) in {database}", Styles.Bold);
            context.Output.JsonLine(new JsonObject { ["type"] = "working", ["agent"] = file.Agent.Name, ["speaker"] = file.Speaker, ["store"] = database.Name });
        }
    }

    private async Task WaitAsync(List<(AgentHost Host, AgentFile File)> hosts, bool untilIdle)
    {
        CancellationToken stopping = context.Shutdown.Stopping;
        using CancellationTokenRegistration note = stopping.Register(() => context.Output.ErrorLine("giving the runs back when the actions in hand have ended (Ctrl-C again leaves at once)"));
        try
        {
            while (!untilIdle || !await IsIdleAsync(hosts, stopping))
                await Task.Delay(s_poll, context.Time, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }

    private async Task<bool> IsIdleAsync(List<(AgentHost Host, AgentFile File)> hosts, CancellationToken cancellationToken)
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

    /// <summary>A line for every transition; what is said and done in between is in <c>steward show</c>.</summary>
    private sealed class WorkObserver(Output output) : IRunObserver
    {
        public void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
        {
            foreach (JournalEntry entry in entries)
            {
                if (entry.Event is not StateChanged change)
                    continue;
                output.Line($"{Show.Clock(entry.Time)}  {state.Run}  {change.From.Name()} → {change.To.Name()} ({change.Reason})  {Show.Spent(state.Spent, state.Started.Ceilings)}", RunSummary.StyleOf(change.To));
                output.JsonLine(new JsonObject
                {
                    ["type"] = "transition",
                    ["time"] = Documents.Time(entry.Time),
                    ["run"] = state.Run.ToString(),
                    ["from"] = change.From.Name(),
                    ["to"] = change.To.Name(),
                    ["reason"] = change.Reason,
                    ["spent"] = Documents.Of(state.Spent),
                });
            }
        }

        public void Delta(RunId run, int turn, int attempt, string text)
        {
        }

        public void Alerted(RunState state, BudgetAlert alert) =>
            output.ErrorLine($"warning: {alert.Scope} has used {Show.Of(alert.Metric, alert.Used)} of its ceiling of {Show.Of(alert.Metric, alert.Ceiling)} {Show.Metric(alert.Metric)}");
    }
}
