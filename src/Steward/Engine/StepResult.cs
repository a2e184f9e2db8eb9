using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>How a step of the loop ended.</summary>
internal abstract record StepResult
{
    private StepResult()
    {
    }

    /// <summary>Decide again.</summary>
    public sealed record Next : StepResult
    {
        public static Next Instance { get; } = new();
    }

    /// <summary>Nothing to do until a signal comes: park.</summary>
    public sealed record Wait : StepResult
    {
        public static Wait Instance { get; } = new();
    }

    /// <summary>The run has ended already.</summary>
    public sealed record Over : StepResult
    {
        public static Over Instance { get; } = new();
    }

    /// <summary>The run belongs to another worker now: stop without a word.</summary>
    public sealed record Lost : StepResult
    {
        public static Lost Instance { get; } = new();
    }

    /// <summary>A kill switch is engaged: park.</summary>
    public sealed record Killed(Storage.KillSwitch Switch) : StepResult;

    /// <summary>Other runs are in the way: give the run back for a while, as if it had not been claimed.</summary>
    /// <param name="Reason">Why, for the run's row.</param>
    /// <param name="WakeAt">When to try again.</param>
    public sealed record StepAside(string Reason, DateTimeOffset WakeAt) : StepResult;

    /// <summary>This model of the route has no room for the request, or costs too much: the next one is asked.</summary>
    public sealed record PassOver : StepResult
    {
        public static PassOver Instance { get; } = new();
    }

    /// <summary>No model of the route answers now: wait, and try again.</summary>
    /// <param name="Detail">Which models, and why.</param>
    /// <param name="WakeAt">When to try again.</param>
    public sealed record ModelsDown(string Detail, DateTimeOffset WakeAt) : StepResult;

    /// <summary>The step found that the run has to end.</summary>
    public sealed record End(RunAction.Finish Finish) : StepResult;

    /// <summary>The result for an append that did not commit, other than for want of budget or of a slot.</summary>
    public static StepResult Of(Storage.AppendResult result) => result switch
    {
        Storage.AppendResult.Committed => Next.Instance,
        Storage.AppendResult.Killed killed => new Killed(killed.Switch),
        _ => Lost.Instance,
    };
}
