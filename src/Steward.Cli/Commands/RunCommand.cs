using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client;
using Steward.Declarative;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward run</c>: starts or resumes one run here and shows what happens.</summary>
internal sealed class RunCommand(CommandContext context)
{
    private readonly Argument<string> _agent = new("agent") { Description = "The agent's folder, or its agent.yaml." };
    private readonly Argument<string?> _request = new("request")
    {
        Description = "What the agent is asked; otherwise its own example.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string?> _resume = CommonOptions.Named<string?>(
        "--resume",
        "Go on with a run: its id, the beginning of it, or 'last'.",
        "run");
    private readonly Option<string?> _tenant = CommonOptions.Named<string?>("--tenant", "For whom it runs; 'default' otherwise.", "name");
    private readonly Option<string?> _user = CommonOptions.Named<string?>("--user", "On whose behalf it runs.", "name");
    private readonly Option<string?> _session = CommonOptions.Named<string?>("--session", "The conversation that it belongs to.", "name");
    private readonly Option<string?> _key = CommonOptions.Named<string?>(
        "--key",
        "Starts at most one run per key; again, it shows that one.",
        "key");
    private readonly Option<string[]> _label = CommonOptions.Label("Marks the run; 'steward runs --label' finds it again.");
    private readonly Option<decimal?> _budget = CommonOptions.Named<decimal?>(
        "--budget-usd",
        "A tighter ceiling in US dollars for this run.",
        "usd");
    private readonly Option<bool> _scripted = CommonOptions.Scripted();
    private readonly TelemetryFlags _telemetry = new();

    public static Command Create(CommandContext context) => new RunCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "run", "Run an agent and show what happens. Ctrl-C parks the run; 'steward run AGENT --resume RUN' goes on.")
        {
            _agent, _request, _resume, _tenant, _user, _session, _key, _label, _budget, _scripted,
            _telemetry.Preset, _telemetry.Content, _telemetry.Traces,
        };
        command.SetAction((parse, _) => ExecuteAsync(parse));
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse)
    {
        string path = parse.GetValue(_agent)!;
        string? resume = parse.GetValue(_resume);
        CheckOptions(parse, resume);
        AlertVariables alerts = AlertVariables.Read();
        AgentFile file = AgentFile.Load(path, new AgentFileOptions { Scripted = parse.GetValue(_scripted), Time = context.Time });
        await using OpenStore store = await OpenStore.OpenAsync(
            StoreLocator.ForAgent(parse.GetValue(CommonOptions.Store), file), context.Output, context.Time);
        RunState? known = null;
        if (resume is not null)
        {
            RunInfo info = await RunFinder.FindAsync(store.Store, resume, file.Agent.Name);
            known = await RunJournal.LoadAsync(store.Store, info.Run);
            if (!await MovesToAsync(store.Store, known, file))
                file = Matching(file, known, path, parse.GetValue(_scripted));
        }

        var view = new RunView(context.Output);
        using IDisposable? telemetry = await _telemetry.StartAsync(parse, context.Output);
        await using AgentHost host = AgentHost.Create(
            file, store.Store, context.Output, context.Time, configure: alerts.Apply, telemetry: _telemetry.Tracing(parse));
        RunId run = known?.Run ?? (await host.Client.StartAsync(file.Agent.Name, Request(parse, file))).Id;
        return await WorkAsync(host, view, file, new Hints(path, parse.GetValue(CommonOptions.Store), run), known);
    }

    /// <summary>Works on a run that is there already, and shows what happens.</summary>
    public static async Task<int> GoOnAsync(CommandContext context, AgentFile file, OpenStore store, RunState known, Hints hints)
    {
        var view = new RunView(context.Output);
        await using AgentHost host = AgentHost.Create(
            file, store.Store, context.Output, context.Time, configure: AlertVariables.Read().Apply);
        return await new RunCommand(context).WorkAsync(host, view, file, hints, known);
    }

    private async Task<int> WorkAsync(AgentHost host, RunView view, AgentFile file, Hints hints, RunState? known)
    {
        view.Begin(known ?? RunState.Empty(hints.Run));
        Banner(file, hints.Run, known);
        if (known is not null)
            await SayHolderAsync(host.Store, hints.Run);
        await WorkAsync(host, view, hints.Run, file, hints);
        return await EndAsync(host, view, hints.Run, hints);
    }

    private void CheckOptions(ParseResult parse, string? resume)
    {
        if (resume is null)
            return;
        if (parse.GetValue(_request) is not null || parse.GetValue(_key) is not null || parse.GetValue(_tenant) is not null
            || parse.GetValue(_user) is not null || parse.GetValue(_session) is not null
            || CommonOptions.Labels(parse, _label) is not null)
            throw new UsageException("--resume goes on with a run as it was started: "
                + "leave out the request, --key, --tenant, --user, --session and --label.");
        if (parse.GetValue(_budget) is not null)
            throw new UsageException(
                $"--budget-usd is for a new run. To change that of a run: steward budget set run:{resume} --usd AMOUNT");
    }

    /// <summary>Whether somebody has asked for the run to move to this very definition ('steward migrate').</summary>
    private static async Task<bool> MovesToAsync(IStewardStore store, RunState run, AgentFile file) =>
        (await store.InboxAsync(run.Run)).Any(
            s => s.Body is MigrateSignal to && to.AgentVersion == file.Agent.Version && to.DefinitionHash == file.Agent.Hash);

    /// <summary>The very definition that a run was started with: the scripted one too, when that is what it was.</summary>
    private AgentFile Matching(AgentFile file, RunState run, string path, bool scripted)
    {
        if (run.Started.Agent != file.Agent.Name)
            throw new UsageException(
                $"Run {run.Run} is one of the agent '{run.Started.Agent}', not of '{file.Agent.Name}'. Give that agent's folder.");
        if (run.Status.IsTerminal() || run.Started.DefinitionHash == file.Agent.Hash)
            return file;
        if (OtherSpeaker(path, scripted) is { } other && other.Agent.Hash == run.Started.DefinitionHash)
            return other;
        throw new UsageException(
            $"Run {run.Run} was started with another definition of '{file.Agent.Name}' (version {run.Started.AgentVersion}, {run.Started.DefinitionHash[..12]}; this one is version {file.Agent.Version}, {file.Agent.Hash[..12]}), and a run stays on its own. Put the file back as it was, move the run with 'steward migrate {run.Run} --agent {StoreLocator.Quote(path)}', or end it with 'steward cancel {run.Run}'.");
    }

    private AgentFile? OtherSpeaker(string path, bool scripted)
    {
        try
        {
            return AgentFile.Load(path, new AgentFileOptions { Scripted = !scripted, Time = context.Time });
        }
        catch (AgentFileException)
        {
            return null;
        }
    }

    private RunRequest Request(ParseResult parse, AgentFile file)
    {
        string text = parse.GetValue(_request) ?? file.Example
            ?? throw new UsageException(
                $"What shall '{file.Agent.Name}' do? Write the request after the agent: steward run {StoreLocator.Quote(parse.GetValue(_agent)!)} \"…\"");
        if (string.IsNullOrWhiteSpace(text))
            throw new UsageException("The request is empty.");
        if (parse.GetValue(_budget) is < 0)
            throw new UsageException("--budget-usd cannot be below 0.");
        return new RunRequest(text)
        {
            Tenant = parse.GetValue(_tenant) ?? "default",
            User = parse.GetValue(_user),
            By = CommandContext.Operator,
            Session = parse.GetValue(_session),
            Key = parse.GetValue(_key),
            Labels = CommonOptions.Labels(parse, _label),
            Ceilings = parse.GetValue(_budget) is { } usd ? new BudgetCeilings { Usd = usd } : null,
        };
    }

    private void Banner(AgentFile file, RunId run, RunState? known)
    {
        context.Output.Line($"{file.Agent.Name} · {file.ModelDescription}", Styles.Bold);
        context.Output.Line(
            $"run {run}{(known is null ? "" : $" · goes on after {Show.Count(known.Sequence, "event")}, {Show.Spent(known.Spent, known.Started.Ceilings)} spent")}",
            Styles.Dim);
        context.Output.JsonLine(new JsonObject
        {
            ["type"] = "run",
            ["run"] = run.ToString(),
            ["agent"] = file.Agent.Name,
            ["version"] = file.Agent.Version,
            ["speaker"] = file.ModelDescription,
            ["resumed_after"] = known?.Sequence,
        });
    }

    /// <summary>A run that was left by a killed process is held until its lease ends: say so, rather than look stuck.</summary>
    private async Task SayHolderAsync(IStewardStore store, RunId run)
    {
        RunInfo info = (await store.FindAsync(new RunQuery { Run = run, Limit = 1 }))[0];
        if (info is { Worker: { } worker, ClaimableAt: { } until } && until > context.Time.GetUtcNow() && !info.Status.IsTerminal())
            context.Output.Line(
                $"{worker} holds the run. If it has died, the run goes on here at {Show.Clock(until)}; otherwise this only follows it.",
                Styles.Warn);
    }

    /// <summary>Works on this run only, until it is at rest or the first
    /// Ctrl-C; then gives it back and shows what came in meanwhile.</summary>
    private async Task WorkAsync(AgentHost host, RunView view, RunId run, AgentFile file, Hints hints)
    {
        host.RootRun = run;
        CancellationToken stopping = context.Shutdown.Stopping;
        using CancellationTokenRegistration note = stopping.Register(() =>
            context.Output.ErrorLine($"parking the run when the action in hand has ended; it can be resumed with: {hints.Resume} (Ctrl-C again leaves at once)"));
        if (!stopping.IsCancellationRequested)
            await host.StartWorkerAsync();
        var follower = new RunFollower(host, context.Time);
        try
        {
            await foreach (RunUpdate update in follower.FollowAsync(run, view.State.Sequence, info => WillWake(info, file), stopping))
                view.Update(update);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }

        await host.StopWorkerAsync();
        await foreach (JournalEntry entry in host.Store.ReadAsync(run, view.State.Sequence))
            view.Entry(entry);

        // Parked for want of its definition, which is here now, or of a model: its timer wakes it soon.
        static bool WillWake(RunInfo info, AgentFile file) =>
            info.Reason == Reasons.ModelUnavailable
            || (info.Reason is Reasons.AgentMissing or Reasons.AgentChanged && info.Agent == file.Agent.Name);
    }

    private async Task<int> EndAsync(AgentHost host, RunView view, RunId run, Hints hints)
    {
        RunState state = view.State;
        RunInfo info = (await host.Store.FindAsync(new RunQuery { Run = run, Limit = 1 }))[0];
        int code = RunSummary.ExitCodeOf(info, state);
        IReadOnlyList<QuestionInfo> below = code is ExitCodes.Parked or ExitCodes.Awaiting
            ? await RunFamily.QuestionsBelowAsync(host.Store, run)
            : [];
        if (below.Count > 0)
            code = ExitCodes.Awaiting;
        JsonObject result = Documents.Of(state);
        result.Insert(0, "type", "result");
        result["exit_code"] = code;
        if (code == ExitCodes.Parked)
            result["resume"] = hints.Resume;
        if (below.Count > 0)
            result["questions_below"] = new JsonArray([.. below.Select(q => (JsonNode)Documents.Of(q))]);
        context.Output.JsonLine(result);
        if (context.Output.Json)
            return code;

        context.Output.Line();
        RunSummary.Write(context.Output, state);
        if (code == ExitCodes.Awaiting)
            WriteQuestions(state, below, hints);
        else if (code == ExitCodes.Parked)
            await WriteParkedAsync(host.Store, info, hints);
        return code;
    }

    /// <summary>What the run asks, and what the agents ask that it has called.</summary>
    private void WriteQuestions(RunState state, IReadOnlyList<QuestionInfo> below, Hints hints)
    {
        foreach (QuestionInfo question in below)
            (hints with { Run = question.Run }).WriteQuestion(context.Output, question);
        hints.WriteQuestions(context.Output, state);
    }

    private async Task WriteParkedAsync(IStewardStore store, RunInfo info, Hints hints)
    {
        if ((await store.SwitchesAsync()).FirstOrDefault(s => s.Covers(info)) is { } engaged)
            context.Output.Line(
                $"The kill switch {engaged.Scope} is engaged by {engaged.By}{(engaged.Reason is null ? "" : $": {engaged.Reason}")}. To release it: steward kill off {engaged.Scope}{hints.Store}",
                Styles.Warn);
        if (info.Worker is { } worker)
            context.Output.Line($"{worker} holds the run.");
        context.Output.Line("Parked: nothing is lost. To go on:", Styles.Bold);
        context.Output.Line($"  {hints.Resume}");
        context.Output.Line($"  {hints.Work}");
    }
}
