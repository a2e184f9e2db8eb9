using System.Globalization;
using System.Text.Json;
using Steward.Agents;
using Steward.Journal;

namespace Steward.TimeTravel;

/// <summary>Says in what two definitions differ. Pure.</summary>
internal static class BlueprintDiff
{
    public static IEnumerable<MigrationChange> Of(AgentBlueprint before, AgentBlueprint after) =>
    [
        .. Instructions(before.Instructions, after.Instructions),
        .. Routes(before.Routes, after.Routes),
        .. Tools(before.Tools, after.Tools),
        .. Names("validators", before.Validators, after.Validators),
        .. Same(before.Limits == after.Limits, "limits", "The limits of a run are others."),
        .. Same(before.Ceilings == after.Ceilings, "budget", "The ceilings are others; this run keeps those that it started with."),
        .. Same(
            Json(before with { Routes = after.Routes, Tools = [], Validators = [], Approvals = before.Approvals })
                == Json(before with { Routes = after.Routes, Tools = [], Validators = [], Approvals = after.Approvals }),
            "approvals",
            "The approval policies are others: what was approved and not yet called is asked again."),
        .. Same(
            before.Planning == after.Planning,
            "planning",
            after.Planning is null ? "It does not plan any more." : before.Planning is null ? "It plans now." : "It plans in another way."),
    ];

    private static IEnumerable<MigrationChange> Instructions(string before, string after)
    {
        if (before == after)
            yield break;
        string[] old = before.Split('\n'), now = after.Split('\n');
        int added = now.Except(old).Count(), removed = old.Except(now).Count();
        yield return new(
            "instructions",
            string.Create(CultureInfo.InvariantCulture, $"The system prompt is another: {added} lines new, {removed} lines gone."));
    }

    private static IEnumerable<MigrationChange> Routes(
        IReadOnlyDictionary<string, ModelRoute> before,
        IReadOnlyDictionary<string, ModelRoute> after)
    {
        foreach (string role in before.Keys.Union(after.Keys).Order(StringComparer.Ordinal))
        {
            string old = Route(before, role), now = Route(after, role);
            if (old != now)
                yield return new("models", $"{role}: {old} → {now}");
            else if (before.TryGetValue(role, out ModelRoute? a) && !a.Targets.SequenceEqual(after[role].Targets))
                yield return new("models", $"{role}: {now} with other parameters");
        }
    }

    private static string Route(IReadOnlyDictionary<string, ModelRoute> routes, string role) =>
        routes.TryGetValue(role, out ModelRoute? route) ? string.Join(", ", route.Targets.Select(t => $"{t.Provider}/{t.Model}")) : "none";

    private static IEnumerable<MigrationChange> Tools(IReadOnlyList<ToolBlueprint> before, IReadOnlyList<ToolBlueprint> after)
    {
        Dictionary<string, ToolBlueprint> old = before.ToDictionary(t => t.Name), now = after.ToDictionary(t => t.Name);
        foreach (string name in now.Keys.Except(old.Keys))
            yield return new("tools", $"'{name}' is new.");
        foreach (string name in old.Keys.Except(now.Keys))
            yield return new("tools", $"'{name}' is gone.");
        foreach ((string name, ToolBlueprint tool) in old)
        {
            if (now.TryGetValue(name, out ToolBlueprint? other) && Difference(tool, other) is { Length: > 0 } what)
                yield return new("tools", $"'{name}' has {what}.");
        }
    }

    private static string Difference(ToolBlueprint a, ToolBlueprint b) => string.Join(", ", new (bool Differs, string What)[]
    {
        (!JsonElement.DeepEquals(a.Schema, b.Schema), "another schema"),
        (a.Description != b.Description, "another description"),
        (a.Effect != b.Effect, $"the effect {b.Effect} in place of {a.Effect}"),
        (a.Destructive != b.Destructive, b.Destructive ? "become destructive" : "ceased to be destructive"),
        (a.Approval != b.Approval, b.Approval ? "to be approved" : "no need of approval"),
        (a.CostUsd != b.CostUsd || a.Timeout != b.Timeout, "another cost or time-out"),
    }.Where(d => d.Differs).Select(d => d.What));

    private static IEnumerable<MigrationChange> Names(string subject, IReadOnlyList<string> before, IReadOnlyList<string> after) =>
    [
        .. after.Except(before).Select(v => new MigrationChange(subject, $"'{v}' is new.")),
        .. before.Except(after).Select(v => new MigrationChange(subject, $"'{v}' is gone.")),
    ];

    private static IEnumerable<MigrationChange> Same(bool isSame, string subject, string text) => isSame ? [] : [new(subject, text)];

    private static string Json(AgentBlueprint blueprint) => JsonSerializer.Serialize(blueprint, AgentJson.Default.AgentBlueprint);
}
