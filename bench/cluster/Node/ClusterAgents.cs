using Steward.Agents;
using Steward.Tools;

namespace Steward.ClusterBench.Node;

/// <summary>The agents of every node: one that works, and one that is called by it.</summary>
internal static class ClusterAgents
{
    public const string Worker = "worker";
    public const string Helper = "helper";

    public static IEnumerable<AgentDefinition> All(string version, HttpTools tools)
    {
        yield return Define(Worker, version, [.. tools.All, BuiltInTools.WaitUntil, BuiltInTools.Agent(Helper, "Helps.")]);
        yield return Define(Helper, version, tools.All);
    }

    private static AgentDefinition Define(string name, string version, IReadOnlyList<ToolDefinition> tools) => new AgentBuilder(name, version)
        .Instruct("Carry out the plan.")
        .UseModel(PlanModel.Target)
        .AddTools([.. tools])
        .WithLimits(new AgentLimits { Iterations = 100, Attempts = 200, MinOutput = 16, MinWrapUp = 16, BudgetWait = TimeSpan.FromSeconds(1) })
        .Build();
}
