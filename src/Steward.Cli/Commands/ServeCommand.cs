using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Cli.Serving;
using Steward.Declarative;
using Steward.Declarative.Stores;

namespace Steward.Cli.Commands;

/// <summary><c>steward serve</c>: the HTTP API for some agents, and a worker for them.</summary>
internal sealed class ServeCommand(CommandContext context)
{
    private readonly Argument<string[]> _agents = new("agent")
    {
        Description = "The agents' folders, or their agent.yaml files.",
        Arity = ArgumentArity.OneOrMore,
    };
    private readonly Option<string> _listen = new("--listen")
    {
        Description = "Where to listen: ADDRESS:PORT. Any other address than this machine's own needs keys.",
        HelpName = "address:port",
        DefaultValueFactory = _ => ListenAddress.Default,
    };
    private readonly Option<string?> _keys = CommonOptions.Named<string?>(
        "--keys",
        $"A file of API keys, which 'steward key create' makes; it is read again when it changes. Otherwise {KeyFile.Variable}. Without keys, this machine alone is served.",
        "file");
    private readonly Option<bool> _noWork = CommonOptions.Named<bool>(
        "--no-work",
        "Only serve: 'steward work' or other servers on the same database work on the runs.");
    private readonly Option<double> _drainDelay = new("--drain-delay")
    {
        Description = "How long it still answers after SIGTERM, with 503 at /readyz, before it gives its runs back: for load balancers that must notice first.",
        HelpName = "seconds",
    };
    private readonly ServeLimitFlags _limits = new();
    private readonly WorkerFlags _worker = new();
    private readonly TelemetryFlags _telemetry = new();
    private readonly Option<bool> _scripted = CommonOptions.Scripted();

    public static Command Create(CommandContext context) => new ServeCommand(context).Create();

    private Command Create()
    {
        var command = new Command("serve", "Serve these agents over HTTP, and work on their runs. Ctrl-C gives them back.")
        {
            _agents,
            _listen,
            _keys,
            _noWork,
            _drainDelay,
            _limits.Streams,
            _limits.Requests,
            _limits.Writes,
            _worker.Concurrency,
            _worker.Lease,
            _telemetry.Preset,
            _telemetry.Content,
            _telemetry.Traces,
            _scripted,
        };
        command.SetAction((parse, _) => ExecuteAsync(parse));
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse)
    {
        if (parse.GetValue(_drainDelay) is not (>= 0 and <= 600 and var delay))
            throw new UsageException("--drain-delay must be 0 to 600 seconds.");
        ListenAddress listen = ListenAddress.Parse(parse.GetValue(_listen)!);
        KeyRing keys = KeyRing.Find(parse.GetValue(_keys), context.Output);
        if (keys.IsOpen && !listen.IsLoopback)
            throw new UsageException(
                $"Without API keys nothing but this machine is served, and --listen is '{parse.GetValue(_listen)}'. Make a key ('steward key create NAME --tenant TENANT --file keys.json') and start with --keys keys.json, or listen on 127.0.0.1.");
        var options = new AgentFileOptions { Scripted = parse.GetValue(_scripted), Time = context.Time };
        AgentFile[] files = [.. parse.GetValue(_agents)!.Select(path => AgentFile.Load(path, options))];
        StoreAddress database = Database(parse, files);
        using IDisposable? telemetry = await _telemetry.StartAsync(parse, context.Output);
        var workers = new Workers(context, _worker.Read(parse), _telemetry.Tracing(parse));

        await using OpenStore store = await OpenStore.OpenAsync(database, context.Output, context.Time);
        await using ApiHost api = await ApiHost.StartAsync(context, files, store, listen, keys, _limits.Read(parse));
        try
        {
            if (!parse.GetValue(_noWork))
            {
                foreach (AgentFile file in files)
                    await workers.StartAsync(file, store, api);
            }

            Say(api, files, database, keys, works: !parse.GetValue(_noWork));
            await UntilStoppedAsync();
            api.BeginToStop();
            await Task.Delay(TimeSpan.FromSeconds(delay), context.Time);
        }
        finally
        {
            await workers.DisposeAsync();
        }

        return ExitCodes.Ok;
    }

    private static StoreAddress Database(ParseResult parse, AgentFile[] files)
    {
        if (files.GroupBy(f => f.Agent.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new UsageException($"The agent '{twice.Key}' is there twice. Leave one out.");
        StoreAddress[] databases = [.. files.Select(f => StoreLocator.ForAgent(parse.GetValue(CommonOptions.Store), f)).Distinct()];
        return databases is [var one]
            ? one
            : throw new UsageException(
                $"A server has one database, and these agents have several: {string.Join(", ", databases.Select(d => d.Name))}. Name one with --store, or serve them apart.");
    }

    private void Say(ApiHost api, AgentFile[] files, StoreAddress database, KeyRing keys, bool works)
    {
        if (keys.IsOpen)
            context.Output.ErrorLine(
                "warning: no API keys: every program on this machine may do everything here, as an administrator of all tenants. Nobody else is served. For more, see --keys.");
        context.Output.Line(
            $"serving {string.Join(", ", files.Select(f => $"'{f.Agent.Name}'"))} at {api.Address}{(works ? "" : ", working on nothing")}, runs in {database}",
            Styles.Bold);
        context.Output.JsonLine(new JsonObject
        {
            ["type"] = "serving",
            ["address"] = api.Address,
            ["agents"] = new JsonArray([.. files.Select(f => (JsonNode)f.Agent.Name)]),
            ["store"] = database.Name,
            ["keys"] = keys.Current().Count,
            ["works"] = works,
        });
    }

    private async Task UntilStoppedAsync()
    {
        CancellationToken stopping = context.Shutdown.Stopping;
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration note = stopping.Register(stopped.SetResult);
        await stopped.Task;
        context.Output.ErrorLine(
            "stopping: streams end, and runs are given back when the actions in hand have ended (Ctrl-C again leaves at once)");
    }
}
