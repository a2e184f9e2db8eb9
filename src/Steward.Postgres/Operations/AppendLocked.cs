using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>Appends for which everything is loaded under locks before it is decided.</summary>
/// <remarks>
/// Locks are taken in one order everywhere: the control lock (shared), sessions, runs by number, limited tools by name, budgets by
/// scope. What is left over (two runs that send to each other) PostgreSQL finds as a deadlock, and the transaction is made again.
/// </remarks>
internal sealed class AppendLocked(Tx tx, IReadOnlyList<RunBatch> group, int part, int inlinePayload)
{
    private readonly Dictionary<RunId, RunRecord> _runs = [];
    private readonly HashSet<(long Run, string Signal)> _inbox = [];
    private DateTimeOffset _now;

    /// <summary>What was let through.</summary>
    public IReadOnlyList<Accepted> Accepted { get; private set; } = [];

    /// <returns>For each batch its <see cref="AppendResult"/>, or the exception with which it alone is refused.</returns>
    public async Task<object[]> RunAsync()
    {
        Control control = await LoadAsync();
        SlotBook slots = new(control.Limits);
        await slots.LoadAsync(tx, group);
        BudgetDraws budgets = new(control, part);
        await budgets.LoadAsync(tx, group.Where(Holds).Select(batch => (batch, _runs[batch.Lease.Run])));

        Append append = new(control, budgets, slots, _inbox, inlinePayload);
        object?[] answers = [.. group.Select((batch, place) => Decide(append, place, batch))];
        Accepted = append.All;
        if (Accepted.Count > 0)
            await WriteAsync(append, answers);
        return answers!;
    }

    private async Task<Control> LoadAsync()
    {
        Guid[] appending = [.. group.Select(b => b.Lease.Run.Value)];
        Guid[] ending = [.. group.Where(b => b.Status.IsTerminal()).Select(b => b.Lease.Run.Value)];
        Guid[] locked = [.. appending, .. group.SelectMany(b => b.Sends).Select(s => s.Run.Value)];
        await using RoundTrip trip = tx.RoundTrip();
        Switches.Share(trip);
        if (ending.Length > 0)
            Starts.LockSessions(trip, ending);
        trip.Ask(
            $"SELECT {RunRows.Columns} FROM steward.run r WHERE r.uuid = ANY($1) ORDER BY r.id FOR UPDATE",
            r =>
            {
                RunRecord run = RunRows.Read(r);
                _runs[run.Run] = run;
            },
            (object)locked);
        trip.Ask(
            "SELECT s.run, s.signal_id FROM steward.signal s JOIN steward.run r ON r.id = s.run WHERE r.uuid = ANY($1) AND s.consumed IS NULL",
            r => _inbox.Add((r.GetInt64(0), r.GetString(1))), (object)appending);
        Func<Control> control = Control.Ask(trip);
        trip.Ask("SELECT steward.now()", r => _now = r.Time(0));
        await trip.SendAsync();
        return control();
    }

    private bool Holds(RunBatch batch) =>
        _runs.TryGetValue(batch.Lease.Run, out RunRecord? run) && Gate.CheckLease(batch, run) is null;

    private object? Decide(Append append, int place, RunBatch batch)
    {
        try
        {
            return _runs.TryGetValue(batch.Lease.Run, out RunRecord? run)
                ? append.Decide(place, batch, run)
                : new AppendResult.Fenced(0, 0);
        }
        catch (Exception e) when (e is JournalException or ArgumentException)
        {
            return e;
        }
    }

    private async Task WriteAsync(Append append, object?[] answers)
    {
        await using (RoundTrip trip = tx.RoundTrip())
        {
            append.AddTo(trip);
            await trip.SendAsync();
        }

        foreach ((Accepted accepted, AppendResult answer) in append.Answers())
        {
            answers[accepted.Place] = answer;
            await FollowAsync(accepted.Batch, accepted.Run);
        }
    }

    /// <summary>What few appends bring along: questions, children, messages to other runs, the end of a run in a session.</summary>
    private async Task FollowAsync(RunBatch batch, RunRecord run)
    {
        await Questions.FollowAsync(tx, batch, run, _now);
        foreach (RunStart start in batch.Starts)
            await Starts.RunAsync(tx, start, inlinePayload);
        foreach (Signal signal in batch.Sends)
            await Inbox.PutAsync(tx, signal, StoreJson.Write(signal.Body));
        foreach (Feedback feedback in batch.Feedback)
            await FeedbackRows.KeepAsync(tx, feedback);
        if (batch.Status.IsTerminal())
            await Starts.AdvanceAsync(tx, run);
    }
}
