using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>Appends in a single trip to the server, which is a transaction by itself. The node decides by what it knows, and the database
/// confirms it while it writes.</summary>
/// <remarks>So a step costs one trip, and a node that freezes leaves no transaction open behind
/// it. What is out of the ordinary goes the other way, <see cref="AppendLocked"/>.</remarks>
internal static class AppendAtOnce
{
    /// <returns>For each batch its answer, or the exception that says that nobody knows. Null where nothing has happened: the batch goes
    /// the other way.</returns>
    public static async Task<object?[]> TryAsync(
        Database database,
        NodeCache cache,
        IReadOnlyList<RunBatch> group,
        int part,
        int inlinePayload)
    {
        var answers = new object?[group.Count];
        Control control = await cache.ControlAsync();
        Append append = new(control, new BudgetDraws(control, part), new SlotBook(control.Limits), inbox: null, inlinePayload);
        for (int i = 0; i < group.Count; i++)
        {
            if (cache.Find(group[i].Lease.Run) is { } run && IsPlain(group[i], run, control))
                Decide(append, i, group[i], run);
        }

        if (append.All.Count == 0)
            return answers;
        try
        {
            if (await database.TryAtOnceAsync(trip => Add(trip, control, append)))
            {
                foreach ((Accepted accepted, AppendResult answer) in append.Answers())
                {
                    answers[accepted.Place] = answer;
                    cache.Keep(accepted.Run);
                }

                return answers;
            }
        }
        catch (UnknownCommitException e)
        {
            foreach (Accepted accepted in append.All)
                answers[accepted.Place] = e;
        }

        cache.ForgetControl();
        foreach (Accepted accepted in append.All)
            cache.Forget(accepted.Run.Run);
        return answers;
    }

    private static void Add(RoundTrip trip, Control control, Append append)
    {
        control.Confirm(trip);
        long[] ending = [.. append.All.Where(a => a.Batch.Status.IsTerminal()).Select(a => a.Run.Id)];
        if (ending.Length > 0)
        {
            trip.Ask(
                "SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM steward.question WHERE run = ANY($1) AND status = 'open') THEN true ELSE steward.refuse('nothing is asked any more') END",
                null, (object)ending);
        }

        append.AddTo(trip);
    }

    private static void Decide(Append append, int place, RunBatch batch, RunRecord run)
    {
        try
        {
            append.Decide(place, batch, run); // Who is refused asks again the other way, where the answer is exact.
        }
        catch (JournalException)
        {
            // Likewise.
        }
    }

    /// <summary>Whether an append concerns its run alone: no questions, no
    /// other runs, no session that goes on, no tool with a limit.</summary>
    private static bool IsPlain(RunBatch batch, RunRecord run, Control control) =>
        batch is { Starts: [], Sends: [], Feedback: [] }
        && !(batch.Status.IsTerminal() && StartRules.IsOfSession(run))
        && !batch.Entries.Any(entry => entry.Event is QuestionAsked or QuestionAnswered)
        && !(control.Limits.LimitsCalls && SlotRules.Started(batch).Any(tool => control.Limits.CallsOf(tool) is not null));
}
