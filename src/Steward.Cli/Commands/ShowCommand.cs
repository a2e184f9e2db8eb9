using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward show</c>: a run's timeline, checked as it is read.</summary>
internal sealed class ShowCommand(CommandContext context)
{
    private readonly Argument<string> _run = CommonOptions.Run();
    private readonly Argument<string?> _folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
    private readonly Option<bool> _follow = CommonOptions.Named<bool>("--follow", "Go on showing until the run is at rest.");
    private readonly Option<bool> _payloads = CommonOptions.Named<bool>("--payloads", "Show what was said and handed over, too.");

    public static Command Create(CommandContext context) => new ShowCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "show", "Show a run's timeline: times, reasons, tokens, costs, retries, questions.") { _run, _folder, _follow, _payloads };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        bool payloads = parse.GetValue(_payloads);
        bool follow = parse.GetValue(_follow);
        await using OpenRun run = await context.OpenRunAsync(parse, _run, parse.GetValue(_folder), cancellationToken);
        RunInfo info = run.Info;
        context.Output.Line($"run {info.Run}", Styles.Bold);
        RunState state = RunState.Empty(info.Run);
        JournalException? damage = null;
        var events = new JsonArray();
        await foreach (JournalEntry entry in Entries(run.Store, info.Run, follow, cancellationToken))
        {
            RunState before = state;
            if (damage is null)
                (state, damage) = Fold(before, entry);
            if (context.Output.Json && follow)
                context.Output.JsonLine(Documents.Of(entry, before, payloads));
            else if (context.Output.Json)
                events.Add(Documents.Of(entry, before, payloads));
            else
                Write(entry, before, state, payloads);
        }

        info = (await run.Store.FindAsync(new RunQuery { Run = info.Run, Limit = 1 }, cancellationToken))[0];
        IReadOnlyList<Feedback> feedback = await run.Store.FeedbackAsync(new FeedbackQuery { Run = info.Run }, cancellationToken);
        if (!follow)
        {
            context.Output.Document(new JsonObject
            {
                ["run"] = Documents.Of(info),
                ["state"] = damage is null ? Documents.Of(state, payloads) : null,
                ["events"] = events,
                ["feedback"] = new JsonArray([.. feedback.Select(f => (JsonNode)Documents.Of(f))]),
            });
        }

        if (!context.Output.Json && damage is null)
            WriteEnd(parse, info, state, payloads);
        foreach (Feedback given in feedback.Reverse())
            context.Output.Line($"Feedback: {FeedbackCommand.Line(given)}", Styles.Dim);
        return damage is null ? ExitCodes.Ok : ExitCodes.Failed;
    }

    /// <summary>What cannot be folded is shown all the same, as it stands in the database.</summary>
    private (RunState State, JournalException? Damage) Fold(RunState before, JournalEntry entry)
    {
        try
        {
            return (RunJournal.Fold(before, entry), null);
        }
        catch (JournalException e)
        {
            context.Output.Error(e);
            return (before, e);
        }
    }

    private IAsyncEnumerable<JournalEntry> Entries(IStewardStore store, RunId run, bool follow, CancellationToken cancellationToken) =>
        follow ? FollowAsync(store, run, cancellationToken) : store.ReadAsync(run, 0, cancellationToken);

    private async IAsyncEnumerable<JournalEntry> FollowAsync(
        IStewardStore store,
        RunId run,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using AgentHost host = AgentHost.Create(null, store, context.Output, context.Time);
        await foreach (RunUpdate update in new RunFollower(host, context.Time).FollowAsync(run, 0, cancellationToken: cancellationToken))
        {
            if (update is EntryRead read)
                yield return read.Entry;
        }
    }

    private void Write(JournalEntry entry, RunState before, RunState state, bool payloads)
    {
        EventLine line = EventLines.Describe(before, entry, payloads);
        string cost = line.Cost is { } settled && settled.Usd > 0 ? $"  {Show.Usd(settled.Usd)}" : "";
        string since = Show.Since(state.Sequence == 0 ? TimeSpan.Zero : entry.Time - state.StartedAt);
        context.Output.Line($"{Show.Clock(entry.Time)} {since,9} {entry.Sequence,4}  {line.Text}{cost}", line.Style);
    }

    private void WriteEnd(ParseResult parse, RunInfo info, RunState state, bool payloads)
    {
        context.Output.Line();
        RunSummary.Write(context.Output, state, payloads);
        if (info.Worker is { } worker && !info.Status.IsTerminal())
            context.Output.Line($"Held by {worker} until {Show.Clock(info.ClaimableAt ?? default)}.", Styles.Dim);
        if (state.Questions.Length > 0)
            new Hints(parse.GetValue(_folder), parse.GetValue(CommonOptions.Store), state.Run).WriteQuestions(context.Output, state);
    }
}
