using Steward.Agents;
using Steward.Declarative.Yaml;
using Steward.Journal;
using Steward.Tools;

namespace Steward.Declarative.Sections;

/// <summary>Reads <c>approvals</c>.</summary>
internal static class ApprovalSection
{
    private static readonly TimeSpan s_tenYears = TimeSpan.FromDays(3_650);

    /// <summary>What only a policy that asks somebody can have.</summary>
    private static readonly string[] s_asking = ["approvers", "roles", "assignee", "four_eyes", "expires_after", "default"];

    private static readonly Dictionary<string, Answer> s_defaults = new(StringComparer.Ordinal)
    {
        ["deny"] = Answer.Deny,
        ["approve"] = Answer.Approve,
        ["stop"] = Answer.Stop,
    };

    public static IReadOnlyList<ApprovalPolicy> Read(YamlValue? value, IReadOnlyList<ToolDefinition> tools)
    {
        List<ApprovalPolicy> policies = [];
        foreach (YamlValue declared in value?.List("'approvals'") ?? [])
        {
            YamlMap map = declared.Map("an approval policy", AgentKeys.Approval);
            YamlValue name = map.Need("name", "Name it: people and the journal see it.");
            if (policies.Any(p => p.Name == name.NonEmpty("the policy's name")))
                throw name.Error($"There is an approval policy '{name.Text()}' already. Give this one another name.");
            ApprovalPolicy policy = ReadOne(map, name.NonEmpty("the policy's name"));
            foreach (YamlValue pattern in Texts(map, "tools"))
                Check(new ApprovalPolicy { Name = policy.Name, Tools = [pattern.Text()] }, tools, pattern);
            Check(policy, tools, map.Find("when") ?? map.Self);
            policies.Add(policy);
        }

        return policies;
    }

    private static ApprovalPolicy ReadOne(YamlMap map, string name)
    {
        bool required = map.Flag("required", true);
        if (!required && s_asking.FirstOrDefault(k => map.Find(k) is not null) is { } foreign)
            throw map.Find(foreign)!.Value.Error(
                $"'required: false' lets calls pass without asking anybody, so '{foreign}' says nothing. Leave one of the two out.");
        int approvers = map.Whole("approvers", 1, 100) ?? 1;
        string? assignee = map.Find("assignee")?.NonEmpty("the assignee");
        if (assignee is not null && approvers > 1)
            throw map.Find("approvers")!.Value.Error(
                $"{approvers} different people are needed, and only '{assignee}' may decide. Leave 'assignee' or 'approvers' out.");
        var policy = new ApprovalPolicy
        {
            Name = name,
            Tools = [.. Texts(map, "tools").Select(t => t.NonEmpty("the tool"))],
            Effects = [.. Texts(map, "effects").Select(e => e.OneOf("an effect", ToolSection.Effects))],
            Destructive = map.Find("destructive")?.Flag(),
            CostAbove = map.Find("cost_above")?.Usd(),
            Required = required,
            Approvers = approvers,
            Roles = [.. Texts(map, "roles").Select(r => r.NonEmpty("the role"))],
            Assignee = assignee,
            FourEyes = FourEyes(map),
            ExpiresAfter = map.Find("expires_after")?.Duration(TimeSpan.FromSeconds(1), s_tenYears),
            Default = map.Find("default")?.OneOf("what can happen when nobody decides", s_defaults) ?? Answer.Deny,
        };
        return map.Find("when") is { } when ? When(policy, when) : policy;
    }

    private static bool FourEyes(YamlMap map)
    {
        if (map.Find("four_eyes") is not { } value || !value.Flag())
            return false;
        return map.Find("default")?.Text() == "approve"
            ? throw value.Error(
                "'four_eyes' asks for somebody else than the starter, and 'default: approve' approves when nobody decides. Leave one of the two out.")
            : true;
    }

    private static ApprovalPolicy When(ApprovalPolicy policy, YamlValue when)
    {
        when.Map("'when'");
        try
        {
            return policy with { Arguments = when.Json() };
        }
        catch (ArgumentException e)
        {
            throw when.Error(ToolSection.Clean(e));
        }
    }

    /// <summary>A list, or the one value of it.</summary>
    private static IReadOnlyList<YamlValue> Texts(YamlMap map, string key) =>
        map.Find(key) is not { } value ? [] : value.IsList ? value.List($"'{key}'") : [value];

    /// <summary>A policy that fits no tool guards nothing: most likely a mistake in writing.</summary>
    private static void Check(ApprovalPolicy policy, IReadOnlyList<ToolDefinition> tools, YamlValue at)
    {
        try
        {
            policy.CheckTools(tools);
        }
        catch (ArgumentException e)
        {
            throw at.Error(ToolSection.Clean(e));
        }
    }
}
