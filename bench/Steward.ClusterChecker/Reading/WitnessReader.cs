using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Steward.ClusterChecker.Reading;

/// <summary>Reads the file that SQLite's store keeps beside its database: records of run (16 bytes, big-endian), sequence (8), half of the chain's hash there (16), and the first half of the SHA-256 of these (8).</summary>
internal static class WitnessReader
{
    private const int Sealed = 40;
    private const int Size = 48;

    /// <summary>For each run the latest head that was committed, and the first 16 bytes of its hash.</summary>
    public static IReadOnlyDictionary<Guid, (long Sequence, byte[] Hash)> Read(string database)
    {
        Dictionary<Guid, (long Sequence, byte[] Hash)> heads = [];
        string path = $"{database}-witness";
        byte[] bytes = File.Exists(path) ? File.ReadAllBytes(path) : [];
        for (int at = 0; at + Size <= bytes.Length; at += Size)
        {
            ReadOnlySpan<byte> record = bytes.AsSpan(at, Size);
            if (!SHA256.HashData(record[..Sealed]).AsSpan(0, Size - Sealed).SequenceEqual(record[Sealed..]))
                continue;
            Guid run = new(record[..16], bigEndian: true);
            long sequence = BinaryPrimitives.ReadInt64BigEndian(record[16..]);
            if (!heads.TryGetValue(run, out var known) || known.Sequence <= sequence)
                heads[run] = (sequence, record[24..Sealed].ToArray());
        }

        return heads;
    }
}
