using Steward.Agents;
using Steward.Journal;

namespace Steward.State;

/// <summary>What a run does next.</summary>
internal abstract record RunAction
{
    private RunAction()
    {
    }

    /// <summary>Nothing: it has ended.</summary>
    public sealed record Done : RunAction
    {
        public static Done Instance { get; } = new();
    }

    /// <summary>Records facts that follow from the state alone.</summary>
    public sealed record Record(params IReadOnlyList<RunEvent> Events) : RunAction;

    /// <summary>Calls a model for the next turn.</summary>
    public sealed record CallModel(ModelRole Role, bool WrapUp) : RunAction
    {
        /// <summary>Whether the model may call tools: only who does the work may, and not when it wraps up.</summary>
        public bool UsesTools => Role == ModelRole.Executor && !WrapUp;

        /// <summary>The side call that it is; null for a turn of the conversation.</summary>
        public SideCall? Side { get; init; }
    }

    /// <summary>Starts the child runs of plan steps.</summary>
    public sealed record StartSteps(IReadOnlyList<PlanStep> Steps) : RunAction;

    /// <summary>Reports that a question's time is up.</summary>
    public sealed record Expire(QuestionAsked Question) : RunAction;

    /// <summary>Makes the tool calls that can be made now.</summary>
    public sealed record CallTools : RunAction
    {
        public static CallTools Instance { get; } = new();
    }

    /// <summary>Asks a tool's probe whether a lost call took effect.</summary>
    public sealed record Reconcile(ToolCall Call) : RunAction;

    /// <summary>Asks the next validators about the answer.</summary>
    public sealed record Validate(string Answer) : RunAction;

    /// <summary>Gives the lease back until a signal comes.</summary>
    public sealed record Park : RunAction
    {
        public static Park Instance { get; } = new();
    }

    /// <summary>Ends the run.</summary>
    public sealed record Finish(RunEvent Outcome, RunStatus Status, string Reason) : RunAction;
}
