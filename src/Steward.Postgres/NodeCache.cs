using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Operations;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>What this node goes by without asking: the rows of the runs that it has claimed, and what operators have set.</summary>
/// <remarks>A short cut and nothing more: whatever is done by it is confirmed
/// in the database, in the transaction in which it is done.</remarks>
internal sealed class NodeCache(Database database, PostgresStoreOptions options, ILogger logger)
{
    private readonly ConcurrentDictionary<RunId, RunRecord> _held = new();
    private volatile Control? _control;

    /// <summary>A run's row, as this node's last commit left it.</summary>
    public RunRecord? Find(RunId run) => _held.GetValueOrDefault(run);

    /// <summary>Keeps the row of a run that this node holds; forgets that of one that it has given back.</summary>
    public void Keep(RunRecord run)
    {
        if (run.Worker is null)
            Forget(run.Run);
        else
            _held[run.Run] = run;
    }

    public void Forget(RunId run) => _held.TryRemove(run, out _);

    public async ValueTask<Control> ControlAsync()
    {
        if (_control is { } known)
            return known;
        return _control = await database.ReadAsync(
            static async tx =>
            {
                await using RoundTrip trip = tx.RoundTrip();
                Func<Control> control = Control.Ask(trip);
                await trip.SendAsync();
                return control();
            },
            CancellationToken.None);
    }

    /// <summary>Sees to it that the database's timeline is known, before anything is claimed on it.</summary>
    public async ValueTask LearnTimelineAsync()
    {
        if (await database.WriteAsync(tx => Timelines.LearnAsync(tx, options.LosslessFailover), CancellationToken.None) is { } doubted)
            Log.FailedOver(logger, database.Name, doubted);
    }

    /// <summary>Something was not as it seemed: the next one asks again.</summary>
    public void ForgetControl() => _control = null;
}
