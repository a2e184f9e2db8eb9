using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward limit set|list|clear</c>: how much may go on at the same time, over all nodes.</summary>
internal sealed class LimitCommand(CommandContext context)
{
    private const string Scopes =
        "global, tenant:NAME, tenant:* (each tenant without its own), tool:NAME or tool:* (each tool without its own).";

    public static Command Create(CommandContext context)
    {
        var limit = new LimitCommand(context);
        return new Command(
            "limit",
            "Limit how much goes on at the same time, over all nodes: runs at work, runs in the queue, calls of a tool.") { limit.Set(), limit.List(), limit.Clear() };
    }

    private Command Set()
    {
        var scope = new Argument<string>("scope") { Description = Scopes };
        Argument<string?> folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        Option<int?> runs = CommonOptions.Named<int?>("--runs", "Most runs that workers hold at once (global, tenant).", "count");
        Option<int?> queue = CommonOptions.Named<int?>(
            "--queue", "Most runs that wait for a worker; more are not started (global, tenant).", "count");
        Option<int?> calls = CommonOptions.Named<int?>("--calls", "Most calls in flight at once; more wait (tool).", "count");
        var command = new Command(
            "set", "Set limits; those that are not named stay as they are. 0 holds everything back.") { scope, folder, runs, queue, calls };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var given = new Limits
            {
                RunsAtOnce = parse.GetValue(runs),
                Queue = parse.GetValue(queue),
                CallsAtOnce = parse.GetValue(calls),
            };
            if (given == Limits.None)
                throw new UsageException("Say what to limit: --runs or --queue of global or a tenant, --calls of a tool.");
            LimitScope where = LimitScope.Parse(parse.GetValue(scope)!);
            given.Check(where);
            await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(folder), cancellationToken);
            Limits old = (await FindAsync(store, where, cancellationToken))?.Limits ?? Limits.None;
            await store.Store.SetLimitsAsync(
                where,
                new Limits
                {
                    RunsAtOnce = given.RunsAtOnce ?? old.RunsAtOnce,
                    Queue = given.Queue ?? old.Queue,
                    CallsAtOnce = given.CallsAtOnce ?? old.CallsAtOnce,
                },
                cancellationToken);
            Write(await FindAsync(store, where, cancellationToken) is { } now ? [now] : []);
            return ExitCodes.Ok;
        });
        return command;
    }

    private Command List()
    {
        Argument<string?> folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        var command = new Command("list", "List the limits, and what counts against them now.") { folder };
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(folder), cancellationToken);
            Write(await store.Store.LimitsAsync(cancellationToken));
            return ExitCodes.Ok;
        });
        return command;
    }

    private Command Clear()
    {
        var scope = new Argument<string>("scope") { Description = Scopes };
        Argument<string?> folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        var command = new Command("clear", "Take all limits off a scope; what they held back goes on.") { scope, folder };
        command.SetAction(async (parse, cancellationToken) =>
        {
            LimitScope where = LimitScope.Parse(parse.GetValue(scope)!);
            await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(folder), cancellationToken);
            bool changed = await FindAsync(store, where, cancellationToken) is not null;
            await store.Store.SetLimitsAsync(where, Limits.None, cancellationToken);
            context.Output.Document(new JsonObject { ["scope"] = where.Key, ["changed"] = changed });
            context.Output.Line(changed ? $"{where} has no limits any more." : $"{where} had no limits.", Styles.Good);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<LimitInfo?> FindAsync(OpenStore store, LimitScope scope, CancellationToken cancellationToken) =>
        (await store.Store.LimitsAsync(cancellationToken)).FirstOrDefault(l => l.Scope == scope);

    private void Write(IReadOnlyList<LimitInfo> limits)
    {
        context.Output.Document(new JsonObject
        {
            ["limits"] = new JsonArray([.. limits.Select(l => (JsonNode)new JsonObject
            {
                ["scope"] = l.Scope.Key,
                ["runs"] = l.Limits.RunsAtOnce,
                ["queue"] = l.Limits.Queue,
                ["calls"] = l.Limits.CallsAtOnce,
                ["used"] = l.Scope.IsDefault
                    ? null
                    : new JsonObject { ["runs"] = l.Used.Runs, ["queue"] = l.Used.Queue, ["calls"] = l.Used.Calls },
            })]),
        });
        if (limits.Count == 0)
            context.Output.Line("No limit is set.");
        else
            context.Output.Table(
                ["scope", "runs at once", "in the queue", "calls at once"],
                [.. limits.Select(l => (string[])[l.Scope.Key, Cell(l, l.Used.Runs, l.Limits.RunsAtOnce),
                    Cell(l, l.Used.Queue, l.Limits.Queue), Cell(l, l.Used.Calls, l.Limits.CallsAtOnce)])]);
    }

    /// <summary>What is there of what may be; for a default, which holds for each one apart, only the limit.</summary>
    private static string Cell(LimitInfo limit, int used, int? most)
    {
        if (most is not { } limited)
            return "";
        return limit.Scope.IsDefault ? Number(limited) : $"{Number(used)} of {Number(limited)}";
    }

    private static string Number(int value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
