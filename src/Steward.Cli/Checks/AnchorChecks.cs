using System.Text;
using Steward.Cli.Commands;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Diagnostics;
using Steward.Storage;

namespace Steward.Cli.Checks;

/// <summary>Which anchor <c>doctor</c> compares with, writes, and what seals it.</summary>
/// <param name="Compare">The anchor to compare with.</param>
/// <param name="Write">The anchor to write.</param>
/// <param name="Key">The environment variable with the key.</param>
internal sealed record AnchorRequest(string? Compare, string? Write, string? Key)
{
    /// <summary>The key's bytes; empty for none.</summary>
    /// <exception cref="UsageException">The variable is not set, or too short.</exception>
    public byte[] ReadKey()
    {
        if (Key is null)
            return [];
        byte[] key = Encoding.UTF8.GetBytes(Environment.GetEnvironmentVariable(Key) ?? "");
        return key.Length >= JournalAnchor.LeastKey
            ? key
            : throw new UsageException(
                $"The environment variable '{Key}' has {key.Length} bytes; an anchor's key needs {JournalAnchor.LeastKey} or more, "
                + "for example from 'openssl rand -hex 32'.");
    }
}

/// <summary>Compares a database with an anchor that was written of it, and writes the next one.</summary>
internal static class AnchorChecks
{
    public static async Task<IReadOnlyList<Check>> RunAsync(
        IStewardStore store,
        AnchorRequest request,
        bool isSound,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        List<Check> checks = [];
        byte[] key = request.ReadKey();
        if (request.Compare is { } anchor)
            checks.AddRange(await CompareAsync(store, anchor, key, cancellationToken));
        if (request.Write is not { } file)
            return checks;
        checks.Add(isSound && checks.All(c => c.Level != CheckLevel.Fail)
            ? await WriteAsync(store, file, key, time, cancellationToken)
            : Check.Fail(
                "anchor", $"{file} was not written: the database is not sound", "Mend what is wrong first, then write the anchor."));
        return checks;
    }

    private static async Task<IReadOnlyList<Check>> CompareAsync(
        IStewardStore store,
        string anchor,
        byte[] key,
        CancellationToken cancellationToken)
    {
        if (!File.Exists(anchor))
            throw new UsageException($"There is no anchor '{anchor}'. Write one with --write-anchor.");
        await using FileStream file = File.OpenRead(anchor);
        IReadOnlyList<StoreProblem> problems = await JournalAnchor.CheckAsync(store, file, key, cancellationToken);
        return problems.Count == 0
            ? [Check.Ok("anchor", $"every journal has what {anchor} names")]
            : [.. problems.Select(p => Check.Fail(
                "anchor",
                p.Description,
                "Find out who wrote into the database, and compare with a backup. After a prune: write a new anchor."))];
    }

    /// <summary>Written beside its place, then moved there: an anchor is never half there.</summary>
    private static async Task<Check> WriteAsync(
        IStewardStore store,
        string path,
        byte[] key,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        string half = $"{path}.new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        long runs;
        await using (var file = new FileStream(half, options))
        {
            runs = await JournalAnchor.WriteAsync(store, file, key, time.GetUtcNow(), cancellationToken);
            file.Flush(flushToDisk: true);
        }

        File.Move(half, path, overwrite: true);
        string kept = key.Length > 0 ? "sealed" : "not sealed: keep it where the database's writers cannot write";
        return Check.Ok("anchor", $"{path} names where {Show.Count(runs, "journal")} end ({kept})");
    }
}
