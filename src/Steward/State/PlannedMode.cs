using System.Globalization;
using System.Text;
using Steward.Agents;
using Steward.Journal;

namespace Steward.State;

/// <summary>Decides for a planned run: plan, carry out step by step,
/// answer, validate; after a failure reflect and plan anew. Pure.</summary>
/// <remarks>
/// The run's own conversation is the planner's. Each step is a child run that is told its goal and
/// the results that it depends on, and nothing else. So steps run in parallel, survive crashes,
/// draw on the run's budget, ask people and stop under its kill switch as every run does.
/// </remarks>
internal static class PlannedMode
{
    private const int BadPlansAllowed = 2;

    public static RunAction Next(RunState state, AgentDefinition agent)
    {
        PlanState planning = state.Planning;
        if (planning.Failure is { } refused)
            return Reflect(state, agent, "plan_refused", refused);
        if (planning.Plan is null)
            return NextPlan(state, agent);
        if (planning.FailedStep is { } failed)
            return Reflect(state, agent, "step_failed", $"Step '{failed.Step.Id}' failed: {failed.Reason}");
        if (!planning.IsApproved && NeedsApproval(planning.Plan, agent.Planning!))
            return new RunAction.Record(AskApproval(state, agent, planning.Plan));
        if (state.Status == RunStatus.Planning)
            return Decide.Change(state, RunStatus.Executing, "plan_made");
        if (Startable(state, agent) is { Count: > 0 } steps)
            return new RunAction.StartSteps(steps);
        if (!planning.IsAnswering)
            return new RunAction.Record(new GuidanceAdded(Guidance.StepsDone, StepsDone(planning)));
        return state.Answer is { } answer
            ? Decide.NextForAnswer(state, agent, answer)
            : Decide.NextTurn(state, agent, ModelRole.Summarizer);
    }

    /// <summary>Steps that can begin: what they depend on is done, nothing has failed, and there is room.</summary>
    public static IReadOnlyList<PlanStep> Startable(RunState state, AgentDefinition agent)
    {
        PlanState planning = state.Planning;
        if (planning.Plan is null || planning.FailedStep is not null)
            return [];
        int room = agent.Planning!.ParallelSteps - planning.Steps.Count(s => s.Status == StepStatus.Running);
        HashSet<string> done = [.. planning.Steps.Where(s => s.Status == StepStatus.Done).Select(s => s.Step.Id)];
        return [.. planning.Steps.Where(s => s.Status == StepStatus.Pending && s.Step.DependsOn.All(done.Contains))
            .Take(Math.Max(0, room))
            .Select(s => s.Step)];
    }

    /// <summary>What a step's run is told.</summary>
    public static string InputOf(RunState state, PlanStep step)
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"You carry out one step of a larger task, and only this step.\n\nThe whole task: {Text(state.Started.Input)}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"Your step ({step.Id}): {step.Goal}\nIt is done when: {step.SuccessCriterion}\n");
        if (step.Tools.Count > 0)
            text.Append(CultureInfo.InvariantCulture, $"Tools meant for it: {string.Join(", ", step.Tools)}\n");
        foreach (StepState before in state.Planning.Steps.Where(s => step.DependsOn.Contains(s.Step.Id)))
            text.Append(CultureInfo.InvariantCulture, $"\nResult of step '{before.Step.Id}' ({before.Step.Goal}):\n{before.Result}\n");
        return text.Append("\nAnswer with the result of your step: what was done, and the facts that later steps need.").ToString();
    }

    /// <summary>Gives the plan up: what happened goes to the planner, who has to say what will be different.</summary>
    public static RunAction Reflect(RunState state, AgentDefinition agent, string reason, string failure)
    {
        if (state.Planning.Round >= agent.Planning!.MaxRounds)
            return Decide.Fail(
                state,
                Reasons.Iterations,
                string.Create(CultureInfo.InvariantCulture,
                    $"{state.Planning.Round} plans were made, the most that are allowed. The last one ended with: {failure}"));
        var text = new StringBuilder($"The plan did not lead to the goal. {failure}\n");
        foreach (StepState step in state.Planning.Steps)
            text.Append(CultureInfo.InvariantCulture, $"\n- step '{step.Step.Id}' ({step.Step.Goal}): {Describe(step)}");
        text.Append(
            "\n\nReflect: what happened, and what has to be different? Then make another plan for what is still to do, in the same JSON shape, with the reflection in 'reflection'. What is done stays done: do not do it again. The same plan is refused.");
        return new RunAction.Record(
            new StateChanged(state.Status, RunStatus.Reflecting, reason, failure),
            new GuidanceAdded(Guidance.Reflect, text.ToString()),
            new StateChanged(RunStatus.Reflecting, RunStatus.Planning, Reasons.Replan));
    }

    private static RunAction NextPlan(RunState state, AgentDefinition agent)
    {
        if (state.Status != RunStatus.Planning)
            return Decide.Change(state, RunStatus.Planning, Reasons.PlanWanted);
        if (!state.Planning.IsWanted)
            return new RunAction.Record(new GuidanceAdded(Guidance.PlanWanted, PlanWanted(agent.Planning!)));
        if (state.Answer is not { } answer)
            return Decide.NextTurn(state, agent, ModelRole.Planner);
        PlanReader.Reading read = PlanReader.Read(answer, agent, state.Planning);
        if (read.Plan is { } plan)
            return new RunAction.Record(new PlanMade(state.Planning.Round + 1, plan));
        if (read.IsDirect)
        {
            return new RunAction.Record(
                new StateChanged(state.Status, RunStatus.Executing, Reasons.DirectMode, "The planner found that no plan is needed."),
                new GuidanceAdded(Guidance.NoPlan, "No plan is needed. Do the task now."));
        }

        return state.Planning.BadPlans >= BadPlansAllowed
            ? Decide.Fail(
                state,
                Reasons.BadPlan,
                $"The planner made {BadPlansAllowed + 1} plans in a row that cannot be carried out. The last: {read.Error}")
            : new RunAction.Record(new GuidanceAdded(Guidance.BadPlan, $"{read.Error}\nAnswer with the corrected plan alone."));
    }

    private static bool NeedsApproval(Plan plan, PlanningOptions options) =>
        plan.Steps.Any(s => (s.Destructive && options.ApproveDestructive) || s.EstimatedCost > options.ApproveAboveCost);

    private static QuestionAsked AskApproval(RunState state, AgentDefinition agent, Plan plan)
    {
        var text = new StringBuilder("May this plan be carried out?");
        foreach (PlanStep step in plan.Steps)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n- {step.Id}: {step.Goal}");
            if (step.Destructive)
                text.Append(" [destructive]");
            if (step.EstimatedCost > 0)
                text.Append(CultureInfo.InvariantCulture, $" [about {step.EstimatedCost} {agent.Planning!.Unit}]");
        }

        return new QuestionAsked
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"plan-{state.Planning.Round}"),
            Kind = QuestionKind.Plan,
            Text = text.ToString(),
            Binding = PlanReader.Hash(plan),
        };
    }

    private static string PlanWanted(PlanningOptions options) =>
        $"Before anything is done, make a plan. Answer with one JSON object of this JSON Schema, and nothing else:\n{PlanReader.Schema}\nEach step is carried out by itself, with the tools above, and knows only its goal and the results of the steps that it depends on; steps that do not depend on each other run at the same time. estimatedCost is in {options.Unit}."
        + (
            options.Mode == PlanningMode.Auto
                ? "\nWhen the task is a matter of one or two tool calls, answer {\"direct\": true} instead." : "");

    private static string StepsDone(PlanState planning)
    {
        var text = new StringBuilder("All steps of the plan are done. Their results:\n");
        foreach (StepState step in planning.Steps)
            text.Append(CultureInfo.InvariantCulture, $"\n- step '{step.Step.Id}' ({step.Step.Goal}): {step.Result}");
        return text.Append("\n\nGive the final answer to the task, from these results alone.").ToString();
    }

    private static string Describe(StepState step) => step.Status switch
    {
        StepStatus.Done => $"done. {step.Result}",
        StepStatus.Failed => $"failed: {step.Reason}{(step.Result is { Length: > 0 } partial ? $" What there is: {partial}" : "")}",
        _ => "not begun.",
    };

    private static string Text(IReadOnlyList<ContentPart> input) => string.Join('\n', input.OfType<TextPart>().Select(p => p.Text));
}
