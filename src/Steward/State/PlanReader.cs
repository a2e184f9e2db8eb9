using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Steward.Agents;
using Steward.Journal;
using Steward.JsonSchemas;

namespace Steward.State;

/// <summary>Reads the planner's answer. Pure.</summary>
internal static class PlanReader
{
    /// <summary>What a plan looks like. A planner that may also say that none is needed answers <c>{"direct": true}</c>.</summary>
    public const string Schema = """
        {
          "type": "object",
          "oneOf": [
            { "required": ["direct"], "properties": { "direct": { "const": true } }, "additionalProperties": false },
            { "required": ["steps"] }
          ],
          "properties": {
            "direct": {},
            "reflection": { "type": "string", "description": "After a failure: what happened, and what will be different." },
            "steps": {
              "type": "array", "minItems": 1, "maxItems": 50,
              "items": {
                "type": "object",
                "required": ["id", "goal", "successCriterion"],
                "additionalProperties": false,
                "properties": {
                  "id": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}$" },
                  "goal": { "type": "string", "minLength": 1 },
                  "successCriterion": { "type": "string", "minLength": 1, "description": "How one sees that the goal was achieved." },
                  "dependsOn": { "type": "array", "items": { "type": "string" }, "description": "Ids of the steps whose results this one needs." },
                  "tools": { "type": "array", "items": { "type": "string" }, "description": "Names of the tools that it is meant to use." },
                  "destructive": { "type": "boolean", "description": "Whether it deletes, cancels, pays or sends something that cannot be taken back." },
                  "estimatedCost": { "type": "number", "minimum": 0 }
                }
              }
            }
          },
          "additionalProperties": false
        }
        """;

    private static readonly JsonSchema s_schema = JsonSchema.Parse(JsonElement.Parse(Schema));

    /// <summary>What an answer says.</summary>
    /// <param name="Plan">The plan, if it is one.</param>
    /// <param name="IsDirect">Whether it says that none is needed.</param>
    /// <param name="Error">What is wrong with it, for the planner.</param>
    public readonly record struct Reading(Plan? Plan, bool IsDirect, string? Error);

    public static Reading Read(string answer, AgentDefinition agent, PlanState state)
    {
        if (Json(answer) is not { } json)
            return Wrong("The answer is not a JSON object. Answer with the plan alone, as one JSON object.");
        SchemaResult checkedPlan = s_schema.Validate(json);
        if (!checkedPlan.IsValid)
            return Wrong(
                "The plan does not have the shape that was asked for:" + string.Concat(checkedPlan.Errors.Take(5).Select(e =>
                    $"\n- at {(e.InstancePointer.Length == 0 ? "the top" : e.InstancePointer)}: {e.Message}")));
        if (json.TryGetProperty("direct", out _))
            return agent.Planning!.Mode == PlanningMode.Auto
                ? new Reading(null, true, null)
                : Wrong("A plan is needed here: answer with its steps.");
        Plan plan = json.Deserialize(EventJson.Default.Plan)!;
        plan = plan with { Steps = [.. plan.Steps.Select(s => Normalize(s, agent))] };
        return Check(plan, agent, state) is { } wrong ? Wrong(wrong) : new Reading(plan, false, null);

        static Reading Wrong(string error) => new(null, false, error);
    }

    /// <summary>SHA-256 of what a plan does: its steps, without the reflection before them.</summary>
    public static string Hash(Plan plan)
    {
        JsonNode steps = JsonSerializer.SerializeToNode(plan with { Reflection = null }, EventJson.Default.Plan)!;
        return Convert.ToHexStringLower(
            SHA256.HashData(Encoding.UTF8.GetBytes(CanonicalJson.Sha256Hex(JsonElement.Parse(steps.ToJsonString())))));
    }

    // A step that means to use a destructive tool is destructive, whatever the planner says.
    private static PlanStep Normalize(PlanStep step, AgentDefinition agent) =>
        step.Tools.Any(t => agent.FindTool(t) is { Destructive: true }) ? step with { Destructive = true } : step;

    private static string? Check(Plan plan, AgentDefinition agent, PlanState state)
    {
        HashSet<string> ids = new(StringComparer.Ordinal);
        foreach (PlanStep step in plan.Steps)
        {
            if (!ids.Add(step.Id))
                return $"Two steps have the id '{step.Id}'. Give each its own.";
        }

        foreach (PlanStep step in plan.Steps)
        {
            if (step.DependsOn.FirstOrDefault(d => !ids.Contains(d)) is { } missing)
                return $"Step '{step.Id}' depends on '{missing}', and there is no such step.";
            if (step.Tools.FirstOrDefault(t => agent.FindTool(t) is null) is { } unknown)
                return $"Step '{step.Id}' means to use the tool '{unknown}', and there is none. The tools are: {string.Join(", ", agent.Tools.Select(t => t.Name))}.";
        }

        if (Cycle(plan) is { } cycle)
            return $"The steps depend on each other in a circle: {cycle}.";
        if (plan.Steps.Count > agent.Planning!.MaxSteps)
            return string.Create(
                CultureInfo.InvariantCulture, $"The plan has {plan.Steps.Count} steps; at most {agent.Planning.MaxSteps} are allowed.");
        if (state.Tried.Contains(Hash(plan)))
            return "This very plan was tried before and failed. Make another one: say in 'reflection' what will be different.";
        return state.Round > 0 && string.IsNullOrWhiteSpace(plan.Reflection)
            ? "After a failure, 'reflection' must say what happened and what will be different."
            : null;
    }

    /// <summary>Steps in an order in which each comes after those that it depends on, as far as there is one.</summary>
    private static string? Cycle(Plan plan)
    {
        List<PlanStep> left = [.. plan.Steps];
        HashSet<string> done = new(StringComparer.Ordinal);
        while (left.Count > 0)
        {
            int ready = left.FindIndex(s => s.DependsOn.All(done.Contains));
            if (ready < 0)
                return string.Join(", ", left.Select(s => s.Id));
            done.Add(left[ready].Id);
            left.RemoveAt(ready);
        }

        return null;
    }

    /// <summary>The object in an answer; models like to fence it, or to say a word before.</summary>
    private static JsonElement? Json(string answer)
    {
        int from = answer.IndexOf('{', StringComparison.Ordinal), to = answer.LastIndexOf('}');
        if (from < 0 || to < from)
            return null;
        try
        {
            return JsonElement.Parse(answer[from..(to + 1)]);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
