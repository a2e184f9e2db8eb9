using Steward.Journal;

namespace Steward.Storage;

/// <summary>Finds out which blobs nothing names any more: told of all that could name one, it keeps those that are left.</summary>
/// <remarks>For stores. A name is a hash anywhere in a text, whatever it stands for there: rather a blob too many stays.</remarks>
public sealed class UnnamedBlobs
{
    private const int Digits = 2 * JournalEntry.HashSize;

    /// <summary>A name may stand directly behind an escape such as \u0022; a longer row of digits is data.</summary>
    private const int MostDigits = 4 * Digits;

    private readonly Dictionary<string, long> _left;

    /// <summary>Begins with all blobs of a store.</summary>
    /// <param name="blobs">Their hashes and how many bytes each has.</param>
    public UnnamedBlobs(IEnumerable<KeyValuePair<string, long>> blobs) =>
        _left = new Dictionary<string, long>(blobs, StringComparer.Ordinal);

    /// <summary>Whether none is left.</summary>
    public bool IsEmpty => _left.Count == 0;

    /// <summary>The hashes in a text: every 64 lower-case hexadecimal digits in a row.</summary>
    public static IReadOnlyCollection<string> NamesIn(ReadOnlySpan<byte> text)
    {
        HashSet<string>? names = null;

        // A run of digits this long covers one of the places that are looked at.
        for (int at = Digits - 1; at < text.Length; at += Digits)
        {
            if (!IsDigit(text[at]))
                continue;
            int start = at, end = at + 1;
            while (start > 0 && IsDigit(text[start - 1]))
                start--;
            while (end < text.Length && IsDigit(text[end]))
                end++;
            for (int name = start; end - start <= MostDigits && name + Digits <= end; name++)
                (names ??= new HashSet<string>(StringComparer.Ordinal)).Add(System.Text.Encoding.ASCII.GetString(text.Slice(name, Digits)));
            at = end;
        }

        return names ?? (IReadOnlyCollection<string>)[];
    }

    /// <summary>Takes out the blobs that a text names.</summary>
    public void See(ReadOnlySpan<byte> text)
    {
        foreach (string name in NamesIn(text))
            _left.Remove(name);
    }

    /// <summary>Takes out the blob of a hash.</summary>
    public void SeeHash(ReadOnlySpan<byte> hash) => _left.Remove(Convert.ToHexStringLower(hash));

    /// <summary>What is to be done with those that are left, now that everything was seen.</summary>
    /// <param name="noted">Blobs that an earlier sweep noted as unnamed, and whether that is longer ago than the grace.</param>
    public BlobPlan Decide(IReadOnlyDictionary<string, bool> noted)
    {
        ArgumentNullException.ThrowIfNull(noted);
        return new BlobPlan(
            [.. _left.Where(blob => noted.GetValueOrDefault(blob.Key))],
            [.. _left.Keys.Where(hash => !noted.ContainsKey(hash))],
            [.. noted.Keys.Where(hash => !_left.ContainsKey(hash))],
            _left.Count);
    }

    private static bool IsDigit(byte c) => char.IsAsciiHexDigitLower((char)c);
}

/// <summary>What a sweep of blobs does.</summary>
/// <param name="Due">Goes now: unnamed in two sweeps, the grace apart, and not kept again between them. With its bytes.</param>
/// <param name="New">Is noted as unnamed.</param>
/// <param name="Again">Was noted, and is named again or gone: the note is taken back.</param>
/// <param name="Unnamed">How many are unnamed, in all.</param>
public sealed record BlobPlan(
    IReadOnlyList<KeyValuePair<string, long>> Due,
    IReadOnlyList<string> New,
    IReadOnlyList<string> Again,
    long Unnamed)
{
    /// <summary>How many hashes one transaction should carry.</summary>
    public const int BatchSize = 500;

    /// <summary>What comes of it when these were, or would be, deleted.</summary>
    public BlobSweep Result(IEnumerable<string> deleted)
    {
        var gone = deleted.ToHashSet(StringComparer.Ordinal);
        return new BlobSweep(gone.Count, Due.Where(blob => gone.Contains(blob.Key)).Sum(blob => blob.Value), Unnamed - gone.Count);
    }
}

/// <summary>What a sweep of blobs came to.</summary>
/// <param name="Blobs">How many went, or would go.</param>
/// <param name="Bytes">How many bytes they had.</param>
/// <param name="Waiting">How many are unnamed too, but not for long enough.</param>
public sealed record BlobSweep(long Blobs, long Bytes, long Waiting)
{
    /// <summary>How long a blob stays after a sweep first found it unnamed.</summary>
    /// <remarks>Content is kept before the run that names it is committed, and a fork copies names from a journal that it read before. Both
    /// are done long before this is over.</remarks>
    public static TimeSpan Grace { get; } = TimeSpan.FromDays(1);
}
