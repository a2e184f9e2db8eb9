using Steward.Journal;

namespace Steward.Agents;

/// <summary>How far one run of an agent may go. Money, tokens and calls are limited by its <see cref="BudgetCeilings"/>.</summary>
public sealed record AgentLimits
{
    /// <summary>Most turns of the model; the last one is a wrap-up without tools.</summary>
    /// <value>50; 1 to 100,000.</value>
    public int Iterations { get; init; } = 50;

    /// <summary>Most time from the start, time in <c>awaiting</c> not counted; null for none.</summary>
    /// <value>None; 1 millisecond to 365 days.</value>
    public TimeSpan? WallTime { get; init; }

    /// <summary>Most tool calls of one message that run at the same time.</summary>
    /// <value>8; 1 to 256.</value>
    public int ParallelTools { get; init; } = 8;

    /// <summary>Most tool calls in one message; those beyond are answered without being made.</summary>
    /// <value>32; 1 to 1,024.</value>
    public int CallsPerMessage { get; init; } = 32;

    /// <summary>Most mistakes of the model in a row (unknown tool, invalid
    /// arguments, empty or cut answer …) before the run fails.</summary>
    /// <value>5; 1 to 1,000.</value>
    public int Mistakes { get; init; } = 5;

    /// <summary>Most rounds of validation: after each failed one but the last, the model is told what was found and goes on.</summary>
    /// <value>3; 1 to 100.</value>
    public int ValidationRounds { get; init; } = 3;

    /// <summary>Most attempts at one turn over all models of the route, lost ones included.</summary>
    /// <value>8; 1 to 1,000.</value>
    public int Attempts { get; init; } = 8;

    /// <summary>The least output tokens that a turn with tools is worth; below it the run wraps up.</summary>
    /// <value>256; 1 to 100,000.</value>
    public int MinOutput { get; init; } = 256;

    /// <summary>The least output tokens that a wrap-up turn is worth; below it the run stops at once.</summary>
    /// <value>64; 1 to 100,000.</value>
    public int MinWrapUp { get; init; } = 64;

    /// <summary>How many levels deep agents may call agents.</summary>
    /// <value>3; 0 to 16.</value>
    public int Depth { get; init; } = 3;

    /// <summary>Most children of one run, plan steps not counted.</summary>
    /// <value>32; 0 to 1,024.</value>
    public int Children { get; init; } = 32;

    /// <summary>How long a run waits for reservations of others to be settled when only they keep it from going on.</summary>
    /// <value>30 seconds; 0 to 1 day.</value>
    public TimeSpan BudgetWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a run waits for models that are down or have no capacity before it fails, from the first wait of a turn. Zero: not at all.
    /// </summary>
    /// <value>15 minutes; 0 to 30 days.</value>
    public TimeSpan? ModelPatience { get; init; }

    internal TimeSpan Patience => ModelPatience ?? TimeSpan.FromMinutes(15);

    /// <summary>Checks that each option is in its range.</summary>
    /// <exception cref="ArgumentException">One is not; the message names it.</exception>
    internal void Check()
    {
        OptionRange.Check<int>("AgentLimits.Iterations", Iterations, 1, 100_000);
        OptionRange.Check<int>("AgentLimits.ParallelTools", ParallelTools, 1, 256);
        OptionRange.Check<int>("AgentLimits.CallsPerMessage", CallsPerMessage, 1, 1_024);
        OptionRange.Check<int>("AgentLimits.Mistakes", Mistakes, 1, 1_000);
        OptionRange.Check<int>("AgentLimits.ValidationRounds", ValidationRounds, 1, 100);
        OptionRange.Check<int>("AgentLimits.Attempts", Attempts, 1, 1_000);
        OptionRange.Check<int>("AgentLimits.MinOutput", MinOutput, 1, 100_000);
        OptionRange.Check<int>("AgentLimits.MinWrapUp", MinWrapUp, 1, 100_000);
        OptionRange.Check<int>("AgentLimits.Depth", Depth, 0, 16);
        OptionRange.Check<int>("AgentLimits.Children", Children, 0, 1_024);
        OptionRange.Check<TimeSpan>("AgentLimits.WallTime", WallTime, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(365));
        OptionRange.Check<TimeSpan>("AgentLimits.ModelPatience", ModelPatience, TimeSpan.Zero, TimeSpan.FromDays(30));
        OptionRange.Check<TimeSpan>("AgentLimits.BudgetWait", BudgetWait, TimeSpan.Zero, TimeSpan.FromDays(1));
    }
}
