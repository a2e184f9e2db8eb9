using System.Runtime.InteropServices;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres.Tables;

/// <summary>The journals' rows. A payload above the inline limit lives in the blob of its hash.</summary>
internal static class EventRows
{
    /// <summary>Adds the statements that keep entries, blobs first.</summary>
    public static void Insert(RoundTrip trip, List<(long Run, JournalEntry Entry)> rows, IEnumerable<Blob> blobs, int inlinePayload)
    {
        SortedDictionary<string, byte[]> content = new(StringComparer.Ordinal);
        foreach (Blob blob in blobs)
            content[blob.Hash] = Bytes(blob.Content);
        foreach ((_, JournalEntry entry) in rows)
            KeepLarge(entry, inlinePayload, content);
        if (content.Count > 0)
            Keep(trip, content);
        if (rows.Count == 0)
            return;
        trip.Do(
            """
            INSERT INTO steward.event (run, seq, type, time, hash, payload_hash, payload)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::bytea[], $6::bytea[], $7::bytea[])
            """,
            Of(r => r.Run), Of(r => r.Entry.Sequence), Of(r => r.Entry.Type), Of(r => r.Entry.Time.UtcDateTime),
            Of(r => Bytes(r.Entry.Hash)), Of(r => Bytes(r.Entry.PayloadHash)),
            Of(r => InlineOf(r.Entry, inlinePayload)));

        T[] Of<T>(Func<(long Run, JournalEntry Entry), T> column)
        {
            var values = new T[rows.Count];
            for (int i = 0; i < values.Length; i++)
                values[i] = column(rows[i]);
            return values;
        }
    }

    /// <summary>The payload for the row; null when it is a blob's.</summary>
    public static byte[]? InlineOf(JournalEntry entry, int inlinePayload) =>
        entry.Payload.Length > inlinePayload ? null : Bytes(entry.Payload);

    /// <summary>Adds a payload that does not go into the row to the content that is kept as blobs.</summary>
    public static void KeepLarge(JournalEntry entry, int inlinePayload, SortedDictionary<string, byte[]> content)
    {
        if (entry.Payload.Length > inlinePayload)
            content[Convert.ToHexStringLower(entry.PayloadHash.Span)] = Bytes(entry.Payload);
    }

    /// <summary>In the order of their hashes, so that two who keep the same content never wait for each other.</summary>
    public static void Keep(RoundTrip trip, SortedDictionary<string, byte[]> content)
    {
        byte[][] hashes = [.. content.Keys.Select(Convert.FromHexString)];
        Name(trip, hashes);
        trip.Do(
            "INSERT INTO steward.blob (hash, content) SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT DO NOTHING",
            hashes,
            content.Values.ToArray());
    }

    /// <summary>Somebody is about to name blobs: no sweep may take them now. One that
    /// is just being deleted is gone once this has waited for its note.</summary>
    public static void Name(RoundTrip trip, byte[][] hashes) =>
        trip.Do("DELETE FROM steward.blob_unnamed WHERE hash = ANY($1)", (object)hashes);

    /// <summary>The array behind a memory where it is exactly that, otherwise a copy.</summary>
    public static byte[] Bytes(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
            ? segment.Array
            : memory.ToArray();
}
