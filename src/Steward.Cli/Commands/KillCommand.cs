using System.CommandLine;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client;
using Steward.Client.Contract;
using Steward.Declarative;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward kill on|off|status</c>: the kill switches.</summary>
internal static class KillCommand
{
    public static Command Create(CommandContext context) =>
        new("kill", "Engage and release kill switches: once engaged, nothing under one starts any more.")
    {
        On(context), Off(context), Status(context),
    };

    private static Argument<string> Scope() => new("scope") { Description = "global, tenant:NAME, agent:NAME or run:ID." };

    private static Command On(CommandContext context)
    {
        Argument<string> scope = Scope();
        Argument<string?> folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        Option<string?> reason = CommonOptions.Named<string?>("--reason", "Why; shown to anyone who finds it engaged.", "text");
        Option<string?> by = CommonOptions.By();
        var command = new Command(
            "on", "Engage a switch: what is in flight under it is interrupted, its runs are parked.") { scope, folder, reason, by };
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(folder), cancellationToken);
            string where = await ParseAsync(store, parse.GetValue(scope)!, cancellationToken);
            var engaged = new KillSwitch(
                where, parse.GetValue(by) ?? CommandContext.Operator, parse.GetValue(reason), context.Time.GetUtcNow());
            bool changed = await store.Store.EngageAsync(engaged, cancellationToken);
            string? warning = await SwitchScopes.WarningAsync(store.Store, where, Agents(parse.GetValue(folder)), cancellationToken);
            context.Output.Document(
                new SwitchChange(where, true, changed) { Warnings = warning is null ? [] : [warning] },
                ContractJson.Complete<SwitchChange>());
            context.Output.Line(
                changed ? $"Engaged: nothing under {where} starts any more." : $"{where} was engaged already.", Styles.Warn);
            if (warning is not null && !context.Output.Json)
                context.Output.ErrorLine($"warning: {warning} To take it back: steward kill off {where}");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Off(CommandContext context)
    {
        Argument<string> scope = Scope();
        Argument<string?> folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        var command = new Command("off", "Release a switch: its runs go on.") { scope, folder };
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(folder), cancellationToken);
            string where = await ParseAsync(store, parse.GetValue(scope)!, cancellationToken);
            bool changed = await store.Store.ReleaseAsync(where, cancellationToken);
            context.Output.Document(new SwitchChange(where, false, changed), ContractJson.Complete<SwitchChange>());
            context.Output.Line(
                changed
                    ? $"Released: the runs under {where} go on with the next worker that is there for them."
                    : $"{where} was not engaged. Engaged: {await EngagedAsync(store, cancellationToken)}.",
                Styles.Good);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Status(CommandContext context)
    {
        var scope = new Argument<string?>("scope")
        {
            Description = "Only this one; exit code 1 when it is engaged.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Argument<string?> folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        var command = new Command("status", "List the switches that are engaged.") { scope, folder };
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(folder), cancellationToken);
            string? only = parse.GetValue(scope) is { } given ? await ParseAsync(store, given, cancellationToken) : null;
            KillSwitch[] engaged = [.. (await store.Store.SwitchesAsync(cancellationToken)).Where(s => only is null || s.Scope == only)];
            context.Output.Document(new SwitchList([.. engaged.Select(SwitchDocument.Of)]), ContractJson.Complete<SwitchList>());
            if (engaged.Length == 0)
                context.Output.Line(only is null ? "No kill switch is engaged." : $"{only} is not engaged.", Styles.Good);
            else
                context.Output.Table(
                    ["scope", "state", "since", "by", "reason"],
                    [.. engaged.Select(s => (string[])[s.Scope, "engaged", Show.Moment(s.At), s.By, s.Reason ?? ""])]);
            return only is not null && engaged.Length > 0 ? ExitCodes.Failed : ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<string> EngagedAsync(OpenStore store, CancellationToken cancellationToken) =>
        await store.Store.SwitchesAsync(cancellationToken) is { Count: > 0 } engaged
            ? string.Join(", ", engaged.Select(s => s.Scope))
            : "none";

    /// <summary>The agent of the folder, which may not have run yet.</summary>
    private static IReadOnlyCollection<string> Agents(string? folder) =>
        AgentFile.NameOf(folder ?? Directory.GetCurrentDirectory()) is { } name ? [name] : [];

    private static async Task<string> ParseAsync(OpenStore store, string scope, CancellationToken cancellationToken) =>
        KillSwitch.ParseScope(await RunFinder.ScopeAsync(store.Store, scope, cancellationToken));
}
