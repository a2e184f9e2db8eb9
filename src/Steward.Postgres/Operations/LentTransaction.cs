using System.Data.Common;
using Npgsql;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>A transaction that somebody else writes in before an append ends it: the append is refused, and so is all the rest.</summary>
internal static class LentTransaction
{
    private const string Mark = "steward_lent";

    /// <param name="database">The database.</param>
    /// <param name="part">Where is counted what is drawn on budgets without a ceiling.</param>
    /// <param name="work">The work.</param>
    /// <param name="limits">What the store takes at most.</param>
    /// <param name="cancellationToken">Obeyed until the commit begins.</param>
    /// <returns>The batch that was committed, null when it was refused; and what the gate said.</returns>
    public static async Task<(RunBatch? Batch, AppendResult Result)> RunAsync(
        Database database,
        int part,
        Func<DbTransaction, CancellationToken, ValueTask<RunBatch>> work,
        StoreLimits limits,
        CancellationToken cancellationToken)
    {
        try
        {
            return await database.WriteAsync(
                async tx =>
                {
                    await tx.Transaction!.SaveAsync(Mark, tx.CancellationToken);
                    RunBatch batch = await work(tx.Transaction, tx.CancellationToken);
                    await EndWorkAsync(tx.Transaction);
                    Gate.CheckShape(batch, limits);
                    object answer = (await new AppendLocked(tx, [batch], part, limits.InlinePayload).RunAsync())[0];
                    return answer is AppendResult.Committed committed
                        ? ((RunBatch?)batch, (AppendResult)committed)
                        : throw new RefusedException(answer);
                },
                cancellationToken,
                isLent: true);
        }
        catch (RefusedException e)
        {
            return e.Answer is AppendResult refused ? (null, refused) : throw (Exception)e.Answer;
        }
    }

    /// <summary>The savepoint that was made before the work is there if, and only if, the transaction is still the same.</summary>
    private static async Task EndWorkAsync(NpgsqlTransaction transaction)
    {
        try
        {
            await transaction.ReleaseAsync(Mark);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InFailedSqlTransaction)
        {
            throw new TransactionEndedException(e) { IsRolledBack = true };
        }
        catch (Exception e)
            when (e is InvalidOperationException or PostgresException
            {
                SqlState: PostgresErrorCodes.NoActiveSqlTransaction or PostgresErrorCodes.InvalidSavepointSpecification,
            })
        {
            throw new TransactionEndedException(e);
        }
    }

    /// <summary>Leaves the transaction without a commit.</summary>
    private sealed class RefusedException(object answer) : Exception
    {
        public object Answer => answer;
    }
}
