using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary>The turns of a conversation: starts a run for each line, shows it, and asks its questions where it asks them.</summary>
internal sealed class ChatLoop(CommandContext context, AgentHost host, RunView view, LineReader lines)
{
    private RunId? _running;
    private bool _exits;
    private bool _left;

    public required string Agent { get; init; }

    public required string Session { get; init; }

    public required string Tenant { get; init; }

    public required string? User { get; init; }

    /// <summary>The roles of the person who answers approvals here.</summary>
    public required IReadOnlyCollection<string> Roles { get; init; }

    public required SessionPolicy Policy { get; init; }

    private CancellationToken Stopping => context.Shutdown.Stopping;

    public async Task<int> RunAsync()
    {
        context.Shutdown.Interrupting = Interrupt;
        try
        {
            while (!_exits && !_left && await NextAsync() is { } line)
            {
                for (RunId? run = await StartAsync(line); run is { } current && !_left;)
                    run = await TurnAsync(current);
            }
        }
        finally
        {
            context.Shutdown.Interrupting = null;
            await host.StopWorkerAsync();
        }

        return _left ? ExitCodes.Awaiting : ExitCodes.Ok;
    }

    /// <summary>The next line that is meant for the agent; null when the conversation is over.</summary>
    private async Task<string?> NextAsync()
    {
        while (!_exits)
        {
            Prompt("› ");
            if (await lines.TakeAsync(Stopping) is not { } line)
                return null;
            if (!await IsCommandAsync(line))
                return line;
        }

        return null;
    }

    /// <summary>Carries out a command of the conversation itself; an empty line is one that does nothing.</summary>
    private async Task<bool> IsCommandAsync(string line)
    {
        switch (line.Trim())
        {
            case "":
                return true;
            case "/exit" or "/quit":
                _exits = true;
                return true;
            case "/cost":
                await CostAsync();
                return true;
            case ['/', ..] unknown:
                context.Output.Line($"'{unknown}' is no command; there are /exit and /cost.", Styles.Warn);
                return true;
            default:
                return false;
        }
    }

    private async Task<RunId?> StartAsync(string text)
    {
        try
        {
            RunHandle run = await host.Client.StartAsync(
                Agent,
                new RunRequest(text)
                {
                    Tenant = Tenant,
                    User = User,
                    By = CommandContext.Operator,
                    Session = Session,
                    SessionPolicy = Policy,
                });
            context.Output.JsonLine(new JsonObject { ["type"] = "run", ["run"] = run.Id.ToString(), ["session"] = Session });
            return run.Id;
        }
        catch (SessionBusyException e)
        {
            context.Output.Line($"Not taken: {e.Message}", Styles.Warn);
            context.Output.JsonLine(new JsonObject { ["type"] = "rejected", ["busy_with"] = e.BusyWith.ToString() });
            return null;
        }
    }

    /// <summary>Shows a run until it has ended.</summary>
    /// <returns>The run of a line that came in meanwhile and took its place; null otherwise.</returns>
    private async Task<RunId?> TurnAsync(RunId run)
    {
        await WorkOnAsync(run);
        view.Begin(RunState.Empty(run));
        _running = run;
        try
        {
            RunId? next = null;
            while (true)
            {
                Task shown = ShowAsync(run);
                next ??= await ListenAsync(shown);
                await shown;
                if (view.State.Status.IsTerminal() || view.State.Questions.IsEmpty || next is not null)
                    break;
                if (!await AskAsync())
                    break;
            }

            End();
            return next;
        }
        finally
        {
            _running = null;
        }
    }

    /// <summary>The worker takes this run only: what else lies in the database is not this conversation's.</summary>
    private async Task WorkOnAsync(RunId run)
    {
        bool isStarted = host.RootRun is not null;
        host.RootRun = run;
        if (!isStarted)
            await host.StartWorkerAsync();
        host.Hub.Notify(run);
    }

    private async Task ShowAsync(RunId run)
    {
        var follower = new RunFollower(host, context.Time);
        await foreach (RunUpdate update in follower.FollowAsync(
            run, view.State.Sequence, WillGoOn, Stopping))
            view.Update(update);
    }

    /// <summary>A line that waits for the turn before it, or a run that waits for a model: both go on by themselves, and Ctrl-C ends
    /// them.</summary>
    private static bool WillGoOn(RunInfo run) =>
        (run.Status == RunStatus.Planning && run.ClaimableAt is null) || run.Reason == Reasons.ModelUnavailable;

    /// <summary>Unless lines wait for their turn, one that comes in during a turn is started at once, as the policy has it.</summary>
    private async Task<RunId?> ListenAsync(Task shown)
    {
        while (Policy != SessionPolicy.Enqueue && !shown.IsCompleted)
        {
            Task<string?> line = lines.PeekAsync();
            await Task.WhenAny(shown, line);
            if (!line.IsCompleted || await line is not { } text)
                return null;
            if (shown.IsCompleted)
                return null; // It is the next turn's, or the answer to a question.
            await lines.TakeAsync(Stopping);
            if (!await IsCommandAsync(text) && await StartAsync(text) is { } next)
                return next;
        }

        return null;
    }

    /// <summary>Asks each open question here.</summary>
    /// <returns>False when nobody answers, so that the run waits on.</returns>
    private async Task<bool> AskAsync()
    {
        foreach (QuestionAsked question in view.State.Questions)
        {
            ChatQuestion asked = new(question);
            string? binding = question.Binding;
            QuestionView.Of(question).Write(context.Output, "? ", whole: true);
            if (asked.Shape is { } shape)
                context.Output.Line(shape, Styles.Warn);
            while (true)
            {
                Prompt(asked.Prompt);
                if (await lines.TakeAsync(Stopping) is not { } line || line.Trim() == "/exit")
                {
                    _left = true;
                    return false;
                }

                if (asked.Read(line) is not { } answer)
                    context.Output.Line($"Please answer with {asked.Expected}.", Styles.Warn);
                else if (await DecideAsync(question.Id, answer, binding) is { } open)
                    binding = open;
                else
                    break;
            }
        }

        return true;
    }

    /// <returns>Null when the question is closed; otherwise the binding of what it asks now.</returns>
    private async Task<string?> DecideAsync(string question, ChatAnswer answer, string? binding)
    {
        var decision = new Decision
        {
            Id = RunId.New(context.Time).ToString(),
            Run = view.State.Run,
            Question = question,
            Answer = answer.Answer,
            By = User ?? CommandContext.Operator,
            Roles = Roles,
            Binding = answer.Answer == Answer.Approve && binding is { Length: > 0 } ? binding : null,
            Result = answer.Result,
            Note = answer.Note,
        };
        try
        {
            DecisionResult result = await host.Client.Get(view.State.Run).DecideAsync(decision, Stopping);
            switch (result)
            {
                case { Status: DecisionStatus.Accepted or DecisionStatus.AlreadyDecided }:
                case { Status: DecisionStatus.Expired or DecisionStatus.Withdrawn }:
                    return null;
                case { Status: DecisionStatus.Changed, Question: { } changed }:
                    context.Output.Line("Somebody has changed what is asked:", Styles.Warn);
                    QuestionView.Of(changed).Write(context.Output, "? ", whole: true);
                    return changed.Binding ?? "";
                case { Status: DecisionStatus.Counted, Question: { } counted }:
                    context.Output.Line($"{QuestionLines.Counted(counted)} /exit leaves the run waiting.", Styles.Warn);
                    break;
                default:
                    context.Output.Line($"{QuestionLines.Refusal(result, decision.By)} /exit leaves the run waiting.", Styles.Warn);
                    break;
            }
        }
        catch (StewardException e)
        {
            context.Output.Line(e.Message, Styles.Warn);
        }

        return binding ?? "";
    }

    private void End()
    {
        RunState state = view.State;
        JsonObject result = Documents.Of(state);
        result.Insert(0, "type", "result");
        context.Output.JsonLine(result);
        if (state.Status != RunStatus.Completed)
            context.Output.Line(
                $"{state.Status.Name()} ({state.Reason}){(RunResultDocument.Of(state).Message is { } message ? $": {message}" : "")}",
                RunSummary.StyleOf(state.Status));
        if (_left)
            new Hints(null, null, state.Run).WriteQuestions(context.Output, state);
        context.Output.Line();
    }

    private async Task CostAsync()
    {
        IReadOnlyList<RunInfo> runs = await host.Store.FindAsync(new RunQuery { Tenant = Tenant, Session = Session, Limit = 1_000 });
        BudgetAmount spent = runs.Where(r => r.Ancestors.Count == 0).Aggregate(BudgetAmount.Zero, (sum, r) => sum + r.Spent);
        context.Output.Line(
            $"Spent {Show.Usd(spent.Usd)} · {Show.Count(spent.Tokens, "token")} · {Show.Count(spent.ModelCalls, "model call")} · {Show.Count(spent.ToolCalls, "tool call")} in {Show.Count(runs.Count, "run")}",
            Styles.Dim);
        context.Output.JsonLine(new JsonObject { ["type"] = "cost", ["runs"] = runs.Count, ["spent"] = Documents.Of(spent) });
    }

    /// <summary>The first Ctrl-C of a turn ends the turn; without one, or again, it ends the program.</summary>
    private bool Interrupt()
    {
        if (_running is not { } run)
            return false;
        _running = null;
        _ = host.Client.Get(run).CancelAsync(User ?? CommandContext.Operator, "interrupted").AsTask();
        return true;
    }

    private void Prompt(string text)
    {
        if (context.Output.IsTerminal)
            context.Output.Raw(text);
    }
}
