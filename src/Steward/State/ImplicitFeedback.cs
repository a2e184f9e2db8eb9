using Steward.Journal;
using Steward.Storage;

namespace Steward.State;

/// <summary>Feedback that nobody gives in words: the runtime notices it. Kept in the
/// transaction of the event that it follows from, under a stable id: exactly once.</summary>
internal static class ImplicitFeedback
{
    /// <summary>Who gives it.</summary>
    public const string Runtime = "runtime";

    private const int MaxRuns = 20;

    /// <summary>What an event says about the run, if anything.</summary>
    public static Feedback? Of(RunState before, RunEvent runEvent, DateTimeOffset at) => runEvent switch
    {
        QuestionAsked { Kind: QuestionKind.HandOff } e =>
            New(before.Run, FeedbackKind.Escalated, e.Id, e.Turn, "The task was handed to a person.", at),
        QuestionAnswered { Arguments: not null } e when before.FindQuestion(e.Id) is { } question =>
            New(before.Run, FeedbackKind.Corrected, e.Id, question.Turn, $"{e.By} changed the arguments of '{question.Tool}'.", at),
        _ => null,
    };

    /// <summary>The user asked in an earlier run of the session for the same:
    /// that run's answer did not serve. Null when it was not so.</summary>
    public static async ValueTask<Feedback?> RepeatedAsync(IRunStore store, RunState state, DateTimeOffset at)
    {
        if (state.Started is not { Session: { } session, Parent: null, Origin: null }
            || Normalize(state.Started.Input) is not { Length: > 0 } asked)
            return null;
        var query = new RunQuery { Tenant = state.Started.Tenant, Session = session, RootsOnly = true };
        IReadOnlyList<RunInfo> runs = await store.FindAsync(query);
        foreach (RunInfo run in runs.Where(
            r => r.Run != state.Run && r.User == state.Started.User
                && r.CreatedAt <= state.StartedAt).Take(MaxRuns))
        {
            if (await StartedAsync(store, run.Run) is { Origin: null } earlier && Normalize(earlier.Input) == asked)
                return New(
                    run.Run,
                    FeedbackKind.Repeated,
                    state.Run.ToString(),
                    null,
                    $"The user asked for the same again in run {state.Run}.",
                    at);
        }

        return null;
    }

    private static async ValueTask<RunStarted?> StartedAsync(IRunStore store, RunId run)
    {
        await foreach (JournalEntry entry in store.ReadAsync(run))
            return (RunStarted)entry.Event;
        return null;
    }

    private static string Normalize(IReadOnlyList<ContentPart> input) =>
        string.Join(
            ' ',
            string.Join(' ', input.OfType<TextPart>().Select(p =>
                p.Text)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToUpperInvariant();

    private static Feedback New(RunId run, FeedbackKind kind, string about, int? turn, string comment, DateTimeOffset at) => new()
    {
        Id = $"{run}:{kind.ToString().ToLowerInvariant()}:{about}",
        Run = run,
        Kind = kind,
        Turn = turn is 0 ? null : turn,
        Comment = comment,
        By = Runtime,
        At = at,
    };
}
