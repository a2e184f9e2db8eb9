using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Diagnostics;

/// <summary>Writes down where every journal ends, for a place that the database's writers cannot reach, and compares later.</summary>
/// <remarks>
/// A chain of plain hashes can be rebuilt by somebody who writes into the database: change an entry, then compute every hash behind it
/// anew. An anchor names the hashes as they were, so up to the anchored entry a rebuilt chain is noticed. With a key the anchor is sealed
/// (HMAC-SHA-256) and may lie beside the database. What came after the anchor is as safe as the chain alone. Pruned runs are missing
/// from the database as removed ones are: write a new anchor after each prune.
/// </remarks>
public static class JournalAnchor
{
    private const int Version = 1;

    /// <summary>Shortest key, in bytes.</summary>
    public const int LeastKey = 16;

    /// <summary>Writes an anchor.</summary>
    /// <param name="store">The store; one with <see cref="IVerifiableStore"/>.</param>
    /// <param name="file">Where it goes.</param>
    /// <param name="key">The key that seals it, from a secret, of at least <see cref="LeastKey"/> bytes; empty for no seal.</param>
    /// <param name="now">The time that it names.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How many runs it names.</returns>
    /// <exception cref="StewardException">The store cannot list its heads, or the key is too short.</exception>
    public static async Task<long> WriteAsync(
        IStewardStore store,
        Stream file,
        ReadOnlyMemory<byte> key,
        DateTimeOffset now,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(file);
        IVerifiableStore verifiable = store.GetService<IVerifiableStore>()
            ?? throw new StewardException("This store cannot say where its journals end, so it takes no anchor. Use SQLite or PostgreSQL.");
        using IncrementalHash? seal = Seal(key);
        await WriteAsync(file, seal, new Line { Anchor = Version, At = now }, cancellationToken);
        foreach (KillSwitch engaged in await store.SwitchesAsync(cancellationToken))
            await WriteAsync(file, seal, new Line { Switch = engaged.Scope }, cancellationToken);
        long runs = 0;
        await foreach (RunHead head in verifiable.HeadsAsync(cancellationToken))
        {
            var line = new Line { Run = head.Run.ToString(), Sequence = head.Sequence, Hash = Convert.ToHexStringLower(head.Hash.Span) };
            await WriteAsync(file, seal, line, cancellationToken);
            runs++;
        }

        await WriteAsync(file, seal, new Line { Runs = runs }, cancellationToken);
        if (seal is not null)
            await WriteAsync(file, null, new Line { Seal = Convert.ToHexStringLower(seal.GetHashAndReset()) }, cancellationToken);
        await file.FlushAsync(cancellationToken);
        return runs;
    }

    /// <summary>Compares a store with an anchor that was written of it before.</summary>
    /// <param name="store">The store.</param>
    /// <param name="file">The anchor.</param>
    /// <param name="key">The key that it was sealed with; empty where it is trusted for where it was kept.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What is wrong, with the anchor or with the store; empty when nothing is.</returns>
    public static async Task<IReadOnlyList<StoreProblem>> CheckAsync(
        IStewardStore store,
        Stream file,
        ReadOnlyMemory<byte> key,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(file);
        (List<Line> lines, string? wrong) = await ReadAsync(file, key, cancellationToken);
        if (wrong is not null)
            return [new StoreProblem(null, null, wrong)];
        List<StoreProblem> problems = [];
        long missing = 0;
        foreach (Line line in lines.Where(l => l.Run is not null))
        {
            var run = RunId.Parse(line.Run!);
            if (await HashAtAsync(store, run, line.Sequence, problems, cancellationToken) is not { } hash)
                missing++;
            else if (hash != line.Hash)
                problems.Add(
                    new StoreProblem(run, line.Sequence,
                        $"Run {run} has another entry {line.Sequence} than when the anchor was written: "
                        + "its journal was rebuilt, or ends before."));
        }

        if (missing > 0)
            problems.Add(
                new StoreProblem(null, null,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{missing} of the anchor's runs are not in the database any more: pruned since, or removed.")));
        await CompareSwitchesAsync(store, lines, problems, cancellationToken);
        return problems;
    }

    private static async Task CompareSwitchesAsync(
        IControlStore store,
        IEnumerable<Line> lines,
        List<StoreProblem> problems,
        CancellationToken cancellationToken)
    {
        HashSet<string> engaged = [.. (await store.SwitchesAsync(cancellationToken)).Select(s => s.Scope)];
        foreach (Line line in lines.Where(l => l.Switch is { } scope && !engaged.Contains(scope)))
            problems.Add(
                new StoreProblem(null, null,
                    $"The kill switch '{line.Switch}' was engaged when the anchor was written, "
                    + "and is not any more: released since, or removed."));
    }

    /// <returns>The hash of an entry; empty for another journal's end, null when there is no such run.</returns>
    private static async Task<string?> HashAtAsync(
        IRunStore store,
        RunId run,
        long sequence,
        List<StoreProblem> problems,
        CancellationToken cancellationToken)
    {
        try
        {
            await foreach (JournalEntry entry in store.ReadAsync(run, sequence - 1, cancellationToken))
                return Convert.ToHexStringLower(entry.Hash.Span);
            return await store.FindAsync(new RunQuery { Run = run, Limit = 1 }, cancellationToken) is [] ? null : "";
        }
        catch (JournalException e)
        {
            problems.Add(new StoreProblem(run, e.Sequence, e.Message));
            return "";
        }
    }

    private static async Task<(List<Line> Lines, string? Wrong)> ReadAsync(
        Stream file,
        ReadOnlyMemory<byte> key,
        CancellationToken cancellationToken)
    {
        List<Line> lines = [];
        using IncrementalHash? seal = Seal(key);
        using var reader = new StreamReader(file, Encoding.UTF8, leaveOpen: true);
        string? found = null;
        while (await reader.ReadLineAsync(cancellationToken) is { } text)
        {
            if (Parse(text) is not { } line || found is not null)
                return ([], $"The anchor's line {lines.Count + 1} is none: the file was edited or cut.");
            found = line.Seal;
            if (found is null)
                seal?.AppendData(Encoding.UTF8.GetBytes($"{text}\n"));
            lines.Add(line);
        }

        if (lines is not [{ Anchor: Version }, ..])
            return ([], "This is no anchor, or one of a newer version.");
        if (seal is not null && !Fits(found, seal.GetHashAndReset()))
            return ([], "The anchor's seal does not fit this key: the anchor was edited, or sealed with another one.");
        long named = lines.Count(l => l.Run is not null);
        return lines.Any(l => (l.Runs ?? -1) == named)
            ? (lines, null)
            : ([], "The anchor does not name as many runs as it says: it was cut.");
    }

    private static bool Fits(string? seal, byte[] expected) => seal is not null
        && CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(seal), Encoding.ASCII.GetBytes(Convert.ToHexStringLower(expected)));

    private static Line? Parse(string text)
    {
        try
        {
            Line? line = JsonSerializer.Deserialize(text, AnchorJson.Default.Line);
            return line?.Run is { } run && (!RunId.TryParse(run, null, out _) || line.Sequence < 1) ? null : line;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static async Task WriteAsync(Stream file, IncrementalHash? seal, Line line, CancellationToken cancellationToken)
    {
        byte[] bytes = [.. JsonSerializer.SerializeToUtf8Bytes(line, AnchorJson.Default.Line), (byte)'\n'];
        seal?.AppendData(bytes);
        await file.WriteAsync(bytes, cancellationToken);
    }

    private static IncrementalHash? Seal(ReadOnlyMemory<byte> key)
    {
        if (key.IsEmpty)
            return null;
        return key.Length >= LeastKey
            ? IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Span)
            : throw new StewardException($"The anchor's key has {key.Length} bytes; it needs {LeastKey} or more.");
    }

    /// <summary>One line of an anchor; which one, its only fields say.</summary>
    internal sealed record Line
    {
        public int Anchor { get; init; }

        public DateTimeOffset? At { get; init; }

        public string? Switch { get; init; }

        public string? Run { get; init; }

        public long Sequence { get; init; }

        public string? Hash { get; init; }

        public long? Runs { get; init; }

        public string? Seal { get; init; }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(JournalAnchor.Line))]
internal sealed partial class AnchorJson : JsonSerializerContext;
