using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Steward.Journal;

/// <summary>One row of a run's journal: an envelope that never changes, and the payload of its event.</summary>
/// <remarks>
/// The chain runs over payload hashes, so a payload can be erased later while the journal still verifies:
/// <c>hash = SHA-256(previous hash ‖ run ‖ sequence ‖ time ‖ type ‖ payload hash)</c>.
/// </remarks>
public sealed class JournalEntry
{
    /// <summary>Bytes of a hash.</summary>
    public const int HashSize = SHA256.HashSizeInBytes;

    private const string NotNext = "its hash does not follow from the entry before it";

    private readonly ReadOnlyMemory<byte>? _previousHash;
    private RunEvent? _event;

    /// <summary>Puts an entry together as it was read from a store; <see cref="Verify"/> says whether it is genuine.</summary>
    public JournalEntry(
        RunId run,
        long sequence,
        string type,
        DateTimeOffset time,
        ReadOnlyMemory<byte> payload,
        ReadOnlyMemory<byte> payloadHash,
        ReadOnlyMemory<byte> hash)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequence, 1);
        ArgumentException.ThrowIfNullOrEmpty(type);
        Run = run;
        Sequence = sequence;
        Type = type;
        Time = time;
        Payload = payload;
        PayloadHash = payloadHash;
        Hash = hash;
    }

    private JournalEntry(
        RunId run,
        long sequence,
        string type,
        RunEvent runEvent,
        DateTimeOffset time,
        byte[] payload,
        byte[] payloadHash,
        ReadOnlyMemory<byte> previousHash,
        byte[] hash)
        : this(run, sequence, type, time, payload, payloadHash, hash)
    {
        _event = runEvent;
        _previousHash = previousHash;
    }

    /// <summary>The run.</summary>
    public RunId Run { get; }

    /// <summary>The place in the run's journal: 1, 2, 3 … without gaps.</summary>
    public long Sequence { get; }

    /// <summary>The wire name of the event.</summary>
    public string Type { get; }

    /// <summary>When it was recorded, in whole milliseconds, UTC, by the recording worker's clock.</summary>
    public DateTimeOffset Time { get; }

    /// <summary>The event as JSON.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>SHA-256 of <see cref="Payload"/>.</summary>
    public ReadOnlyMemory<byte> PayloadHash { get; }

    /// <summary>The chain's hash at this entry.</summary>
    public ReadOnlyMemory<byte> Hash { get; }

    /// <summary>The event.</summary>
    /// <exception cref="JournalException">The type is unknown or the payload is not of its shape.</exception>
    public RunEvent Event => _event ??= EventWire.Read(Type, Payload.Span);

    /// <summary>The chain's hash before the first entry.</summary>
    public static ReadOnlyMemory<byte> Origin { get; } = new byte[HashSize];

    /// <summary>Makes the entry that follows a chain's head.</summary>
    public static JournalEntry Create(RunId run, long sequence, ReadOnlyMemory<byte> previousHash, RunEvent runEvent, DateTimeOffset time)
    {
        ArgumentNullException.ThrowIfNull(runEvent);
        byte[] payload = EventWire.Write(runEvent);
        byte[] payloadHash = SHA256.HashData(payload);
        DateTimeOffset stamp = DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());
        string type = EventWire.NameOf(runEvent);
        byte[] hash = new byte[HashSize];
        Chain(previousHash.Span, run, sequence, stamp, type, payloadHash, hash);
        return new JournalEntry(run, sequence, type, runEvent, stamp, payload, payloadHash, previousHash, hash);
    }

    /// <summary>Checks that this entry follows the given hash and holds what its hashes say.</summary>
    /// <exception cref="JournalException">It does not; run and sequence are named.</exception>
    public void Verify(ReadOnlyMemory<byte> previousHash)
    {
        if (_previousHash is { } known)
        {
            // Made here, so its hashes are right by construction; only its place in the chain is in question.
            if (!known.Span.SequenceEqual(previousHash.Span))
                throw JournalException.Edited(Run, Sequence, NotNext);
            return;
        }

        Span<byte> actual = stackalloc byte[HashSize];
        SHA256.HashData(Payload.Span, actual);
        if (!actual.SequenceEqual(PayloadHash.Span))
            throw JournalException.Edited(Run, Sequence, "its payload does not match its hash");
        Chain(previousHash.Span, Run, Sequence, Time, Type, PayloadHash.Span, actual);
        if (!actual.SequenceEqual(Hash.Span))
            throw JournalException.Edited(Run, Sequence, NotNext);
    }

    private static void Chain(
        ReadOnlySpan<byte> previous,
        RunId run,
        long sequence,
        DateTimeOffset time,
        string type,
        ReadOnlySpan<byte> payloadHash,
        Span<byte> hash)
    {
        Span<byte> buffer = stackalloc byte[HashSize + 16 + 8 + 8 + 64 + 1 + HashSize];
        previous.CopyTo(buffer);
        int at = HashSize;
        run.Value.TryWriteBytes(buffer[at..], bigEndian: true, out _);
        at += 16;
        BinaryPrimitives.WriteInt64BigEndian(buffer[at..], sequence);
        at += 8;
        BinaryPrimitives.WriteInt64BigEndian(buffer[at..], time.ToUnixTimeMilliseconds());
        at += 8;
        at += Encoding.UTF8.GetBytes(type, buffer[at..(at + 64)]);
        buffer[at++] = 0;
        payloadHash.CopyTo(buffer[at..]);
        at += HashSize;
        SHA256.HashData(buffer[..at], hash);
    }
}
