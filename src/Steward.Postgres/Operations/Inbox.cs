using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>What comes in from outside.</summary>
internal static class Inbox
{
    /// <summary>The run's row, locked until the transaction ends: so a signal falls
    /// before an append or after it, and a parked run always wakes.</summary>
    public static Task<RunRecord?> LockAsync(Tx tx, RunId run) =>
        tx.FirstAsync($"SELECT {RunRows.Columns} FROM steward.run r WHERE r.uuid = $1 FOR UPDATE", RunRows.Read, run.Value);

    public static async Task<SignalResult> PutAsync(Tx tx, Signal signal, byte[] body)
    {
        if (await LockAsync(tx, signal.Run) is not { } run)
            return SignalResult.UnknownRun;
        if (await tx.FirstAsync(
            "SELECT true FROM steward.signal WHERE run = $1 AND signal_id = $2", static r => r.GetBoolean(0), run.Id, signal.Id))
            return SignalResult.Duplicate;
        if (run.Status.IsTerminal())
            return SignalResult.RunEnded;

        await tx.ExecuteAsync(
            "INSERT INTO steward.signal (run, signal_id, body, at) VALUES ($1, $2, $3, steward.now())",
            run.Id, signal.Id, body);

        if (ReleaseRules.Wakes(run, signal))
            await tx.ExecuteAsync("UPDATE steward.run SET claimable_at = least(claimable_at, steward.now()) WHERE id = $1", run.Id);
        return SignalResult.Accepted;
    }
}
