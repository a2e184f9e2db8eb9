using System.Collections.Immutable;
using Steward.Journal;

namespace Steward.State;

/// <summary>A planned run's plan and how far it got: part of the fold.</summary>
public sealed record PlanState
{
    /// <summary>No plan yet.</summary>
    public static PlanState None { get; } = new();

    /// <summary>The round: plans that were accepted so far.</summary>
    public int Round { get; init; }

    /// <summary>The plan that is being carried out, if there is one.</summary>
    public Plan? Plan { get; init; }

    /// <summary>Its steps, in its order.</summary>
    public ImmutableArray<StepState> Steps { get; init; } = [];

    /// <summary>Whether a person approved it.</summary>
    public bool IsApproved { get; init; }

    /// <summary>Whether the planner was asked for a plan that has not come yet.</summary>
    public bool IsWanted { get; init; }

    /// <summary>Whether the planner found that no plan is needed: the run goes on in direct mode.</summary>
    public bool IsDirect { get; init; }

    /// <summary>Whether all steps are done and the final answer was asked for.</summary>
    public bool IsAnswering { get; init; }

    /// <summary>Plans that could not be carried out, in a row.</summary>
    public int BadPlans { get; init; }

    /// <summary>Why the plan was given up, until there is a new one.</summary>
    public string? Failure { get; init; }

    /// <summary>Hashes of the plans that were given up.</summary>
    public ImmutableArray<string> Tried { get; init; } = [];

    /// <summary>The first step that failed, if one did.</summary>
    public StepState? FailedStep => Steps.FirstOrDefault(s => s.Status == StepStatus.Failed);

    internal PlanState With(PlanMade e) => this with
    {
        Round = e.Round,
        Plan = e.Plan,
        Steps = [.. e.Plan.Steps.Select(s => new StepState { Step = s })],
        IsApproved = false,
        IsWanted = false,
        IsAnswering = false,
        BadPlans = 0,
        Failure = null,
    };

    internal PlanState With(Guidance reason) => reason switch
    {
        Guidance.PlanWanted => this with { IsWanted = true },
        Guidance.BadPlan => this with { BadPlans = BadPlans + 1 },
        Guidance.NoPlan => this with { IsDirect = true, IsWanted = false },
        Guidance.Reflect =>
            this with
            {
                IsWanted = true,
                IsAnswering = false,
                Plan = null,
                Steps = [],
                Failure = null,
                Tried = Plan is { } plan ? Tried.Add(PlanReader.Hash(plan)) : Tried,
            },
        _ => this with { IsAnswering = true },
    };

    internal PlanState With(QuestionAnswered e) => e.Answer == Answer.Approve
        ? this with { IsApproved = true }
        : this with { Failure = $"{e.By} refused the plan{(e.Note is { Length: > 0 } note ? $": {note}" : ".")}" };

    internal PlanState With(ChildStarted e) => Replace(e.Step!, s => s with { Status = StepStatus.Running, Child = e.Child });

    internal PlanState With(string step, ChildEnded e) => Replace(step, s => s with
    {
        Status = e.Status == RunStatus.Completed ? StepStatus.Done : StepStatus.Failed,
        Result = e.Output,
        Reason = e.Reason,
    });

    private PlanState Replace(string id, Func<StepState, StepState> change) =>
        this with { Steps = [.. Steps.Select(s => s.Step.Id == id ? change(s) : s)] };
}

/// <summary>A step of the plan, and where it stands.</summary>
public sealed record StepState
{
    /// <summary>The step.</summary>
    public required PlanStep Step { get; init; }

    /// <summary>Where it stands.</summary>
    public StepStatus Status { get; init; }

    /// <summary>The run that carries it out.</summary>
    public RunId? Child { get; init; }

    /// <summary>What it brought.</summary>
    public string? Result { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Reason { get; init; }
}

/// <summary>Where a step stands.</summary>
public enum StepStatus
{
    /// <summary>Not begun.</summary>
    Pending,

    /// <summary>A child run is at it.</summary>
    Running,

    /// <summary>Done.</summary>
    Done,

    /// <summary>Not achieved: the plan is given up.</summary>
    Failed,
}
