using Steward.Models;

namespace Steward.Runs;

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
    public sealed record CallModel(ModelRole Role, bool WrapUp) : RunAction;

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
