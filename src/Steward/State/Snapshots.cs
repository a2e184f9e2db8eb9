using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Storage;

namespace Steward.State;

/// <summary>Writes a run's state down as a snapshot and reads it back. A snapshot only saves
/// folding: without one, or with a damaged one, the journal is folded from its start.</summary>
/// <remarks>The data is SHA-256 of what follows, then the state as JSON, compressed. The state's head ties it to its journal.</remarks>
internal static class Snapshots
{
    /// <summary>A run shorter than this folds faster than its snapshot would be read.</summary>
    public const int Interval = 1_024;

    /// <summary>The sequence from which the next snapshot is due: an interval later, or a quarter of the journal where that is more.
    /// Writing them therefore stays linear.</summary>
    public static long NextAfter(long sequence) => sequence + Math.Max(Interval, sequence / 4);

    public static RunSnapshot Write(RunState state)
    {
        using var buffer = new MemoryStream();
        buffer.Write(new byte[SHA256.HashSizeInBytes]);
        using (var compressed = new BrotliStream(buffer, CompressionLevel.Fastest, leaveOpen: true))
            JsonSerializer.Serialize(compressed, state, SnapshotJson.Default.RunState);
        byte[] data = buffer.ToArray();
        SHA256.HashData(data.AsSpan(SHA256.HashSizeInBytes), data);
        return new RunSnapshot(state.Sequence, RunState.FoldVersion, data);
    }

    /// <summary>Null when the snapshot is another version's or does not hold what it should.</summary>
    public static RunState? Read(RunId run, RunSnapshot snapshot)
    {
        ReadOnlySpan<byte> data = snapshot.Data.Span;
        if (snapshot.Version != RunState.FoldVersion || data.Length < SHA256.HashSizeInBytes)
            return null;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(data[hash.Length..], hash);
        if (!hash.SequenceEqual(data[..hash.Length]))
            return null;
        try
        {
            using var compressed = new BrotliStream(new MemoryStream(snapshot.Data[hash.Length..].ToArray()), CompressionMode.Decompress);
            using var json = new MemoryStream();
            compressed.CopyTo(json);
            RunState? state = JsonSerializer.Deserialize(json.GetBuffer().AsSpan(0, (int)json.Length), SnapshotJson.Default.RunState);
            return state is not null && state.Run == run && state.Sequence == snapshot.Sequence ? state : null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return null;
        }
    }
}

/// <summary>A message as a snapshot keeps it.</summary>
internal sealed record SnapshotMessage(string Role, IReadOnlyList<ContentPart>? Parts, IReadOnlyList<SnapshotResult>? Results);

/// <summary>A tool result as a snapshot keeps it.</summary>
internal sealed record SnapshotResult(string Call, string Text, bool IsError);

internal sealed class SnapshotMessageConverter : JsonConverter<ChatMessage>
{
    public override ChatMessage Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        MessageMapper.Restore(JsonSerializer.Deserialize(ref reader, SnapshotJson.Default.SnapshotMessage)!);

    public override void Write(Utf8JsonWriter writer, ChatMessage value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, MessageMapper.Keep(value), SnapshotJson.Default.SnapshotMessage);
}

/// <summary>Keeps every property, defaults too: an init-only one that is missing would not come back as its initial value.</summary>
[JsonSourceGenerationOptions(
    MaxDepth = 256,
    AllowOutOfOrderMetadataProperties = true,
    Converters = [typeof(SnapshotMessageConverter), typeof(AppendListConverter<ChatMessage>), typeof(AppendListConverter<CompletedCall>)])]
[JsonSerializable(typeof(RunState))]
[JsonSerializable(typeof(SnapshotMessage))]
[JsonSerializable(typeof(ChatMessage[]))]
[JsonSerializable(typeof(CompletedCall[]))]
internal sealed partial class SnapshotJson : JsonSerializerContext;

internal sealed class AppendListConverter<T> : JsonConverter<AppendList<T>>
{
    public override AppendList<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        AppendList<T>.Of((T[])JsonSerializer.Deserialize(ref reader, options.GetTypeInfo(typeof(T[])))!);

    public override void Write(Utf8JsonWriter writer, AppendList<T> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (T item in value)
            JsonSerializer.Serialize(writer, item, options.GetTypeInfo(typeof(T)));
        writer.WriteEndArray();
    }
}
