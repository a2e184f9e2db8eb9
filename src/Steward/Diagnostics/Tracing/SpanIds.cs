using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Steward.Journal;

namespace Steward.Diagnostics.Tracing;

/// <summary>Ids of traces and spans, derived from what the journal knows: equal on every node, and each time a run is exported.</summary>
internal static class SpanIds
{
    private const string Root = "root";

    public static ActivityTraceId TraceOf(RunId root)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(root, "trace", 0, hash);
        return ActivityTraceId.CreateFromBytes(hash[..16]);
    }

    /// <summary>The span of a whole run.</summary>
    public static ActivitySpanId RootOf(RunId run) => Of(run, Root, 0);

    /// <summary>The span that the event at a sequence opens.</summary>
    public static ActivitySpanId At(RunId run, long sequence) => Of(run, "at", sequence);

    /// <summary>The parent's span of a child: named by the child's id, which both of their journals hold.</summary>
    public static ActivitySpanId OfChild(RunId parent, RunId child) => Of(parent, child.ToString(), 0);

    private static ActivitySpanId Of(RunId run, string kind, long sequence)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(run, kind, sequence, hash);
        return ActivitySpanId.CreateFromBytes(hash[..8]);
    }

    private static void Hash(RunId run, string kind, long sequence, Span<byte> hash)
    {
        Span<byte> buffer = stackalloc byte[16 + 8 + 32];
        run.Value.TryWriteBytes(buffer, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(buffer[16..], sequence);
        int length = Encoding.UTF8.GetBytes(kind, buffer[24..]);
        SHA256.HashData(buffer[..(24 + length)], hash);
    }
}
