using System.Text;
using System.Text.Json;
using Steward.Journal;
using Steward.State;

namespace Steward.Cli.Tests.Commands;

/// <summary>A run as an archive holds it.</summary>
internal sealed record ArchivedRun(string Run, RunState State);

/// <summary>Reads what <c>steward prune --archive</c> wrote, and checks that every journal is genuine and folds.</summary>
internal static class Archive
{
    public static List<ArchivedRun> Read(string folder) =>
        [.. Directory.GetFiles(folder, "*.jsonl", SearchOption.AllDirectories).Where(f => !f.EndsWith(".feedback.jsonl", StringComparison.Ordinal)).SelectMany(ReadFile)];

    private static IEnumerable<ArchivedRun> ReadFile(string file)
    {
        IGrouping<RunId, JournalEntry>[] runs = [.. File.ReadLines(file).Select(Entry).GroupBy(e => e.Run)];
        Assert.Equal(Path.GetFileNameWithoutExtension(file), runs[0].Key.ToString());
        foreach (IGrouping<RunId, JournalEntry> run in runs)
            yield return new ArchivedRun(run.Key.ToString(), run.Aggregate(RunState.Empty(run.Key), RunJournal.Fold));
    }

    private static JournalEntry Entry(string line)
    {
        JsonElement row = JsonElement.Parse(line);
        return new JournalEntry(
            RunId.Parse(row.GetProperty("run").GetString()!),
            row.GetProperty("sequence").GetInt64(),
            row.GetProperty("type").GetString()!,
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetProperty("time").GetInt64()),
            Encoding.UTF8.GetBytes(row.GetProperty("payload").GetString()!),
            Convert.FromHexString(row.GetProperty("payloadHash").GetString()!),
            Convert.FromHexString(row.GetProperty("hash").GetString()!));
    }
}
