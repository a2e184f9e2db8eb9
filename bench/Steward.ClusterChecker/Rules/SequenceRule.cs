using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Rules;

/// <summary>A run's journal is 1..n without gaps, ends where its row says, and each entry's hash follows from its payload and the entry before.</summary>
internal static class SequenceRule
{
    public const string Gap = "gap";
    public const string Chain = "chain";

    public static IEnumerable<Finding> Check(Case all)
    {
        ILookup<Guid, Entry> runs = all.Runs;
        foreach (RunRow row in all.Journal.Runs)
        {
            long expected = 1;
            byte[] previous = new byte[32];
            foreach (Entry entry in runs[row.Run])
            {
                if (entry.Sequence != expected)
                    yield return new Finding(Gap, $"after {expected - 1} comes {entry.Sequence}", row.Run);
                if (!SHA256.HashData(entry.Payload).AsSpan().SequenceEqual(entry.PayloadHash))
                    yield return new Finding(Chain, $"the payload of {entry.Sequence} ({entry.Type}) is not what its hash says", row.Run);
                if (!HashOf(previous, entry).AsSpan().SequenceEqual(entry.Hash))
                    yield return new Finding(Chain, $"the hash of {entry.Sequence} ({entry.Type}) does not follow from the entry before it", row.Run);
                previous = entry.Hash;
                expected = entry.Sequence + 1;
            }

            if (row.Head != expected - 1)
                yield return new Finding(Gap, $"its row says that it ends at {row.Head}; its journal ends at {expected - 1}", row.Run);
            else if (!row.HeadHash.AsSpan().SequenceEqual(previous))
                yield return new Finding(Chain, $"its row has another hash than its last entry {row.Head}", row.Run);
        }
    }

    /// <summary>SHA-256 of: previous hash, run (16 bytes, big-endian), sequence, time in milliseconds (both 8 bytes, big-endian), type in UTF-8, a zero byte, payload hash.</summary>
    public static byte[] HashOf(byte[] previous, Entry entry)
    {
        byte[] type = Encoding.UTF8.GetBytes(entry.Type);
        byte[] numbers = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(numbers, entry.Sequence);
        BinaryPrimitives.WriteInt64BigEndian(numbers.AsSpan(8), entry.Time);
        return SHA256.HashData([.. previous, .. entry.Run.ToByteArray(bigEndian: true), .. numbers, .. type, 0, .. entry.PayloadHash]);
    }
}
