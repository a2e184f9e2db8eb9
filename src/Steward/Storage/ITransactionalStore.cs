using System.Data.Common;

namespace Steward.Storage;

/// <summary>A store that lets a tool write in the very transaction in which its result is appended: both happen, or neither.</summary>
public interface ITransactionalStore
{
    /// <summary>Opens a transaction, lets work be done in it, and passes the
    /// batch that this gives through the gate in the same transaction.</summary>
    /// <param name="work">
    /// Does the work and answers what is to be recorded. Called again, in a new transaction, when another
    /// transaction was in the way. When it throws, everything is rolled back and the exception comes out as it is.
    /// </param>
    /// <param name="cancellationToken">Obeyed until the commit begins.</param>
    /// <returns>What the gate said; unless it is <see cref="AppendResult.Committed"/>, the work is rolled back as well.</returns>
    /// <exception cref="TransactionEndedException">The work ended the
    /// transaction itself: what it did may stand without its record.</exception>
    /// <exception cref="StoreException">The store cannot take it; <see cref="StoreFailure.Io"/> where it may have happened.</exception>
    ValueTask<AppendResult> AppendAsync(
        Func<DbTransaction, CancellationToken, ValueTask<RunBatch>> work,
        CancellationToken cancellationToken = default);
}

/// <summary>A tool committed, rolled back or disposed of the transaction that it was lent.</summary>
public sealed class TransactionEndedException : StewardException
{
    /// <summary>Creates the error.</summary>
    public TransactionEndedException(Exception innerException)
        : base(
            "The tool ended, or broke, the transaction that it was lent, so its work and its result are no longer one. Write in it and return: Steward commits it together with the result, or rolls both back.",
            innerException)
    {
    }

    /// <summary>Whether nothing of the work stands: a statement failed in the transaction, and the tool went on as if it had not.</summary>
    public bool IsRolledBack { get; init; }
}
