using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Retention;

/// <summary>A folder of journals: <c>DAY/ROOT.jsonl</c> holds the entries of a root and all its descendants, one a line,
/// <c>DAY/ROOT.feedback.jsonl</c> what was said about them, <c>blobs/SHA-256</c> the large contents that they name.</summary>
/// <remarks>A file has its name only when it is whole and on the disk. Written again, it replaces itself.</remarks>
internal sealed class JournalArchive(IStewardStore store, string folder)
{
    private const int MostFeedback = 100_000;

    /// <summary>The entries are data, never part of a page.</summary>
    private static readonly JsonWriterOptions s_lines = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly HashSet<string> _changed = [];
    private readonly HashSet<string> _blobs = [];

    /// <exception cref="JournalException">A journal is not genuine, or not whole.</exception>
    public async Task WriteAsync(EndedFamily family, CancellationToken cancellationToken)
    {
        string? path = null;
        HashSet<string> named = [];
        string part = Path.Combine(PrivateFiles.CreateFolder(folder).FullName, $"{family.Root}.part");
        try
        {
            await using (FileStream file = PrivateFiles.Create(part))
            {
                foreach (EndedRun run in family.Runs)
                {
                    DateTimeOffset started = await WriteAsync(file, run, named, cancellationToken);
                    path ??= PathOf(family.Root, started);
                }

                file.Flush(flushToDisk: true);
            }

            Move(part, path!);
            foreach (string hash in named.Where(_blobs.Add))
                await WriteBlobAsync(hash, part, cancellationToken);
            await WriteFeedbackAsync(family, part, Path.ChangeExtension(path!, ".feedback.jsonl"), cancellationToken);
        }
        finally
        {
            File.Delete(part);
        }
    }

    /// <summary>Makes sure that also the names of the files are on the disk.</summary>
    public void Flush()
    {
        foreach (string changed in _changed)
            DiskFolder.Sync(changed);
        _changed.Clear();
        _blobs.Clear();
    }

    private string PathOf(RunId root, DateTimeOffset started) =>
        Path.Combine(folder, started.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), $"{root}.jsonl");

    private void Move(string part, string path)
    {
        string day = PrivateFiles.CreateFolder(Path.GetDirectoryName(path)!).FullName;
        File.Move(part, path, overwrite: true);
        _changed.Add(day);
        _changed.Add(Path.GetDirectoryName(day)!);
    }

    /// <returns>When the run was started.</returns>
    private async Task<DateTimeOffset> WriteAsync(FileStream file, EndedRun run, HashSet<string> named, CancellationToken cancellationToken)
    {
        JournalEntry? first = null, last = null;
        await foreach (JournalEntry entry in store.ReadAsync(run.Run, 0, cancellationToken))
        {
            entry.Verify(last?.Hash ?? JournalEntry.Origin);
            await WriteLineAsync(file, json => Write(json, entry), cancellationToken);
            named.UnionWith(UnnamedBlobs.NamesIn(entry.Payload.Span));
            first ??= entry;
            last = entry;
        }

        if (first is null || last!.Sequence != run.Sequence)
            throw new JournalException(
                $"The journal of run {run.Run} ends at sequence {last?.Sequence ?? 0}, but its row says {run.Sequence}.") { Run = run.Run, Sequence = (last?.Sequence ?? 0) + 1 };
        return first.Time;
    }

    /// <summary>Most hashes in a journal are of other things: there is no blob under them.</summary>
    private async Task WriteBlobAsync(string hash, string part, CancellationToken cancellationToken)
    {
        string path = Path.Combine(folder, "blobs", hash);
        if (File.Exists(path) || await store.GetAsync(hash, cancellationToken) is not { } content)
            return;
        await using (FileStream file = PrivateFiles.Create(part))
        {
            await file.WriteAsync(content, cancellationToken);
            file.Flush(flushToDisk: true);
        }

        Move(part, path);
    }

    private async Task WriteFeedbackAsync(EndedFamily family, string part, string path, CancellationToken cancellationToken)
    {
        List<Feedback> said = [];
        foreach (EndedRun run in family.Runs)
            said.AddRange(await store.FeedbackAsync(new FeedbackQuery { Run = run.Run, Limit = MostFeedback }, cancellationToken));
        if (said.Count == 0)
            return;
        await using (FileStream file = PrivateFiles.Create(part))
        {
            foreach (Feedback feedback in said)
            {
                await file.WriteAsync(StoreJson.Write(feedback), cancellationToken);
                file.WriteByte((byte)'\n');
            }

            file.Flush(flushToDisk: true);
        }

        Move(part, path);
    }

    /// <summary>As the golden journals of the tests have them.</summary>
    private static void Write(Utf8JsonWriter json, JournalEntry entry)
    {
        json.WriteString("run", entry.Run.ToString());
        json.WriteNumber("sequence", entry.Sequence);
        json.WriteString("type", entry.Type);
        json.WriteNumber("time", entry.Time.ToUnixTimeMilliseconds());
        json.WriteString("payload", Encoding.UTF8.GetString(entry.Payload.Span));
        json.WriteString("payloadHash", Convert.ToHexStringLower(entry.PayloadHash.Span));
        json.WriteString("hash", Convert.ToHexStringLower(entry.Hash.Span));
    }

    private static async Task WriteLineAsync(FileStream file, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        await using (var json = new Utf8JsonWriter(file, s_lines))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
            await json.FlushAsync(cancellationToken);
        }

        file.WriteByte((byte)'\n');
    }
}
