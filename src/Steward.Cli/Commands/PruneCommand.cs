using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Cli.Retention;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward prune</c>: archives and deletes runs that ended long ago.</summary>
internal sealed class PruneCommand(CommandContext context)
{
    private readonly Argument<string?> _folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
    private readonly Option<string> _olderThan = new("--older-than")
    {
        Description = "Only runs that ended, with all their relatives, longer ago than this: 90d, 12h.",
        HelpName = "time",
        Required = true,
    };
    private readonly Option<string?> _agent = CommonOptions.Named<string?>(
        "--agent",
        "Only runs of this agent, with their children.",
        "name");
    private readonly Option<string?> _tenant = CommonOptions.Named<string?>("--tenant", "Only runs of this tenant.", "name");
    private readonly Option<string?> _archive = CommonOptions.Named<string?>(
        "--archive",
        "Writes the journals into this folder before they are deleted.",
        "folder");
    private readonly Option<bool> _blobs = CommonOptions.Named<bool>(
        "--blobs",
        "Also large contents that no run has named for a day; reads the whole database.");
    private readonly Option<bool> _apply = CommonOptions.Named<bool>("--apply", "Deletes. Without it, this only says what would go.");

    public static Command Create(CommandContext context) => new PruneCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "prune",
            "Archive and delete runs that ended long ago. Without --apply nothing is changed.") { _folder, _olderThan, _agent, _tenant, _archive, _blobs, _apply };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var query = new RetentionQuery(ReadAge(parse.GetValue(_olderThan)!))
        {
            Agent = parse.GetValue(_agent),
            Tenant = parse.GetValue(_tenant),
        };
        bool apply = parse.GetValue(_apply);
        string? archive = parse.GetValue(_archive);
        await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(_folder), cancellationToken);
        if (store.Store.GetService<IRetentionStore>() is not { } retention)
            throw new UsageException($"{store.Address} cannot delete runs.");
        var pruner = new Pruner(retention, archive is null ? null : new JournalArchive(store.Store, archive), Progress);
        PruneTotals totals = apply ? await pruner.ApplyAsync(query, cancellationToken) : await pruner.CountAsync(query, cancellationToken);
        BlobSweep? blobs = parse.GetValue(_blobs) ? await retention.SweepBlobsAsync(apply, cancellationToken) : null;
        Write(totals, blobs, apply, archive);
        return totals.Kept.Count == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private void Progress(PruneTotals soFar) => context.Output.Line($"deleted {Show.Count(soFar.Runs, "run")} so far", Styles.Dim);

    private void Write(PruneTotals totals, BlobSweep? blobs, bool applied, string? archive)
    {
        context.Output.Document(new JsonObject
        {
            ["applied"] = applied,
            ["families"] = totals.Families,
            ["runs"] = totals.Runs,
            ["events"] = totals.Events,
            ["bytes"] = totals.Bytes,
            ["blobs"] = blobs is null
                ? null
                : new JsonObject { ["count"] = blobs.Blobs, ["bytes"] = blobs.Bytes, ["waiting"] = blobs.Waiting },
            ["archive"] = applied ? archive : null,
            ["kept"] = new JsonArray([.. totals.Kept.Select(k => (JsonNode)new JsonObject { ["run"] = k.Root.ToString(), ["why"] = k.Why })]),
        });
        foreach ((RunId root, string why) in totals.Kept)
            context.Output.Error($"Run {root} was kept, with its relatives: {why}");
        string what = string.Create(
            CultureInfo.InvariantCulture,
            $"{Show.Count(totals.Runs, "run")} ({Show.Count(totals.Families)} with their children), {Show.Count(totals.Events, "event")}, {Show.Bytes(totals.Bytes)} of payloads");
        if (!applied)
            context.Output.Line(
                totals.Runs == 0 ? "Nothing is that old." : $"Would delete {what}. Nothing was changed; --apply deletes them.");
        else
            context.Output.Line(
                totals.Runs == 0
                    ? "Nothing was deleted."
                    : $"Deleted {what}{(archive is null ? "" : $"; their journals are in {archive}")}.",
                Styles.Good);
        if (blobs is not null)
            context.Output.Line(
                $"{(applied ? "Deleted" : "Would delete")} {Show.Count(blobs.Blobs, "blob")} ({Show.Bytes(blobs.Bytes)}) that no run has named for a day; {Show.Count(blobs.Waiting)} more are unnamed, and may go in a day.");
    }

    private static TimeSpan ReadAge(string text)
    {
        const long mostMinutes = 36_500 * 1_440L;
        int digits = text.TakeWhile(char.IsAsciiDigit).Count();
        long unit = text[digits..] switch
        {
            "m" => 1,
            "h" => 60,
            "d" => 1_440,
            "w" => 10_080,
            _ => 0,
        };
        long minutes = int.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            ? count * unit
            : 0;
        return minutes is > 0 and <= mostMinutes
            ? TimeSpan.FromMinutes(minutes)
            : throw new UsageException(
                $"--older-than '{text}' is not an age. Write a number above 0 with its unit, at most a hundred years: 90d, 12w, 36h or 30m.");
    }
}
