using Steward.Journal;

namespace Steward.Storage;

/// <summary>What a store takes at most; all explicit, so that nothing grows without a bound.</summary>
public sealed record StoreLimits
{
    /// <summary>Largest payload that stays in the journal row; a larger one becomes a blob under its hash.</summary>
    /// <value>16 KiB; 256 to 1,048,576.</value>
    public int InlinePayload { get; init; } = 16 * 1024;

    /// <summary>Largest payload of one event.</summary>
    /// <value>8 MiB; 1,024 to 1,073,741,824.</value>
    public int Payload { get; init; } = 8 * 1024 * 1024;

    /// <summary>Most entries of one run; only a batch that ends the run may go over it.</summary>
    /// <value>50,000; 10 to 10,000,000.</value>
    public long EntriesPerRun { get; init; } = 50_000;

    /// <summary>Largest blob.</summary>
    /// <value>64 MiB; 1,024 to 1,073,741,824.</value>
    public int Blob { get; init; } = 64 * 1024 * 1024;

    /// <summary>Checks that each option is in its range.</summary>
    /// <exception cref="ArgumentException">One is not; the message names it.</exception>
    public void Check()
    {
        OptionRange.Check<int>("StoreLimits.InlinePayload", InlinePayload, 256, 1 << 20);
        OptionRange.Check<int>("StoreLimits.Payload", Payload, 1 << 10, 1 << 30);
        OptionRange.Check<long>("StoreLimits.EntriesPerRun", EntriesPerRun, 10, 10_000_000);
        OptionRange.Check<int>("StoreLimits.Blob", Blob, 1 << 10, 1 << 30);
    }

    /// <summary>Checks the size of a batch.</summary>
    /// <exception cref="StoreException">Something in it is larger than the limits allow.</exception>
    public void Check(RunBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.ExpectedSequence + batch.Entries.Count > EntriesPerRun && batch.Entries.Count > 0 && !batch.Status.IsTerminal())
            throw new StoreException(
                StoreFailure.TooLarge,
                $"Run {batch.Lease.Run} would have {batch.ExpectedSequence + batch.Entries.Count} entries; the limit is {EntriesPerRun}. End the run, or raise StoreLimits.EntriesPerRun.");
        foreach (JournalEntry entry in batch.Entries)
            Check(entry);
        foreach (Blob blob in batch.Blobs)
            Check(blob);
    }

    /// <summary>Checks the size of an entry.</summary>
    /// <exception cref="StoreException">Its payload is larger than the limits allow.</exception>
    public void Check(JournalEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Payload.Length > Payload)
            throw new StoreException(
                StoreFailure.TooLarge,
                $"Entry {entry.Sequence} ('{entry.Type}') of run {entry.Run} has {entry.Payload.Length} bytes; the limit is {Payload}. Keep large content as a blob, or raise StoreLimits.Payload.");
    }

    /// <summary>Checks the size of a blob.</summary>
    /// <exception cref="StoreException">It is larger than the limits allow.</exception>
    public void Check(Blob blob)
    {
        ArgumentNullException.ThrowIfNull(blob);
        if (blob.Content.Length > Blob)
            throw new StoreException(
                StoreFailure.TooLarge,
                $"Blob '{blob.Hash}' has {blob.Content.Length} bytes; the limit is {Blob}. Raise StoreLimits.Blob.");
    }

    /// <summary>Checks the size of a signal's body as it is kept.</summary>
    /// <exception cref="StoreException">It is larger than the limits allow.</exception>
    public void Check(Signal signal, int bytes)
    {
        ArgumentNullException.ThrowIfNull(signal);
        if (bytes > Payload)
            throw new StoreException(
                StoreFailure.TooLarge,
                $"Signal '{signal.Id}' has {bytes} bytes; the limit is {Payload} (StoreLimits.Payload). Send less, or raise the limit.");
    }
}
