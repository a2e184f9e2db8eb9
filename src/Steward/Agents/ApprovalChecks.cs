using System.Text.Json;
using Steward.Journal;
using Steward.Tools;

namespace Steward.Agents;

/// <summary>Finds approval policies that look as if they guarded something and guard nothing.</summary>
internal static class ApprovalChecks
{
    /// <exception cref="ArgumentException">A policy contradicts itself, or cannot match any call of the agent.</exception>
    public static void Check(AgentBuilder agent)
    {
        if (agent.Approvals.GroupBy(p => p.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } again)
            throw new ArgumentException($"The agent '{agent.Name}' has two approval policies named '{again.Key}'.");
        foreach (ApprovalPolicy policy in agent.Approvals)
        {
            CheckPolicy(agent, policy);
            // What a source will offer is known only when a run opens; then a policy that names nothing is logged.
            if (agent.ToolSources.Count == 0)
                policy.CheckTools(agent.Tools);
        }
    }

    /// <summary>What of a policy's names stands for no tool; null when each stands for one.</summary>
    public static string? UnknownName(ApprovalPolicy policy, IReadOnlyList<ToolDefinition> tools) =>
        policy.Tools.FirstOrDefault(name => !tools.Append(ResultReader.Tool).Any(t => ApprovalPolicy.IsNamed(t, name)));

    /// <summary>What is wrong with a policy for these tools; null when nothing is.</summary>
    public static string? FaultOf(ApprovalPolicy policy, IReadOnlyList<ToolDefinition> tools)
    {
        if (UnknownName(policy, tools) is { } unknown)
            return $"The approval policy '{policy.Name}' names the tool '{unknown}', and there is none of that name, so it would guard nothing. {NearestNames.Hint(unknown, [.. tools.Select(t => t.Name)])}";
        if (policy.Tools.Count == 0)
            return null;
        ToolDefinition[] ruled = [.. tools.Append(ResultReader.Tool).Where(policy.MatchesTool)];
        if (ruled.Length == 0)
            return $"The approval policy '{policy.Name}' names '{string.Join("', '", policy.Tools)}', but no such tool has the effect, the cost or the destructiveness that it asks for, so it would guard nothing. Leave the condition out, or correct the tool.";
        return policy.Arguments is { } condition && UnknownProperty(condition, ruled) is { } property
            ? $"The condition on arguments of the approval policy '{policy.Name}' is about '{property}', and '{string.Join("', '", ruled.Select(t => t.Name))}' takes no such argument, so it would not hold what it says. {NearestNames.Hint(property, [.. ruled.SelectMany(t => Names(t.Schema, "properties")).Distinct()])}"
            : null;
    }

    private static void CheckPolicy(AgentBuilder agent, ApprovalPolicy policy)
    {
        if (string.IsNullOrWhiteSpace(policy.Name))
            throw new ArgumentException($"An approval policy of agent '{agent.Name}' has no name.");
        string who = $"The approval policy '{policy.Name}' of agent '{agent.Name}'";
        if (policy.Approvers < 1)
            throw new ArgumentException($"{who} needs {policy.Approvers} approvers; at least 1.");
        if (policy is { Assignee: not null, Approvers: > 1 })
            throw new ArgumentException(
                $"{who} needs {policy.Approvers} different people and lets only '{policy.Assignee}' decide. Leave one of the two out.");
        if (policy is { FourEyes: true, Default: Answer.Approve })
            throw new ArgumentException(
                $"{who} asks for somebody else than the starter, and approves when nobody decides. Leave one of the two out.");
        if (policy.ExpiresAfter <= TimeSpan.Zero)
            throw new ArgumentException($"{who} expires after {policy.ExpiresAfter}; it must be a time above 0.");
        if (policy.Default is not (Answer.Approve or Answer.Deny or Answer.Stop))
            throw new ArgumentException($"{who} has the default '{policy.Default}'; approve, deny or stop.");
        if (policy.CostAbove < 0)
            throw new ArgumentException($"{who} is for costs above {policy.CostAbove} US dollars; give 0 or more.");
        if (policy.Roles.Any(string.IsNullOrWhiteSpace))
            throw new ArgumentException($"{who} has a role without a name, which nobody bears. Name it, or leave it out for anybody.");
        if (policy.Assignee is { } assignee && string.IsNullOrWhiteSpace(assignee))
            throw new ArgumentException($"{who} has an assignee without a name. Name one, or leave it out for anybody.");
    }

    /// <summary>A property of which none of the tools knows anything; null where one takes properties of any name.</summary>
    private static string? UnknownProperty(JsonElement condition, IReadOnlyList<ToolDefinition> tools)
    {
        if (!tools.All(t => t.Schema.TryGetProperty("additionalProperties", out JsonElement more) && more.ValueKind == JsonValueKind.False))
            return null;
        HashSet<string> known = [.. tools.SelectMany(t => Names(t.Schema, "properties"))];
        return Names(condition, "properties").Concat(Names(condition, "required")).FirstOrDefault(name => !known.Contains(name));
    }

    private static IEnumerable<string> Names(JsonElement schema, string keyword) =>
        schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty(keyword, out JsonElement member) ? []
        : member.ValueKind == JsonValueKind.Object ? member.EnumerateObject().Select(p => p.Name)
        : member.ValueKind == JsonValueKind.Array ? member.EnumerateArray().Select(n => n.GetString() ?? "")
        : [];
}
