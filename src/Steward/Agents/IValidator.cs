using Steward.Journal;
using Steward.State;

namespace Steward.Agents;

/// <summary>Proves or disproves a run's outcome, by looking at the world and the
/// journal, never at the agent's claim alone. Must have no effect.</summary>
public interface IValidator
{
    /// <summary>Its name, unique within the agent.</summary>
    string Name { get; }

    /// <summary>What it checks; part of the definition's hash.</summary>
    string Description { get; }

    /// <summary>The model call that is made before the validator looks; its
    /// answer is in <see cref="ValidationContext.Judgement"/>.</summary>
    /// <value>None.</value>
    SideCall? Call => null;

    /// <summary>Looks. An exception counts as <see cref="Verdict.Inconclusive"/>.</summary>
    ValueTask<Finding> ValidateAsync(ValidationContext context, CancellationToken cancellationToken);
}

/// <summary>What a validator found.</summary>
/// <param name="Verdict">The verdict.</param>
/// <param name="Evidence">What it looked at and saw; the model reads it when the verdict is not passed.</param>
public sealed record Finding(Verdict Verdict, string Evidence)
{
    /// <summary>Proved.</summary>
    public static Finding Passed(string evidence) => new(Verdict.Passed, evidence);

    /// <summary>Disproved.</summary>
    public static Finding Failed(string evidence) => new(Verdict.Failed, evidence);

    /// <summary>Not to be found out.</summary>
    public static Finding Inconclusive(string evidence) => new(Verdict.Inconclusive, evidence);
}

/// <summary>What a validator may look at.</summary>
public sealed record ValidationContext
{
    /// <summary>The agent.</summary>
    public required AgentDefinition Agent { get; init; }

    /// <summary>The run's state.</summary>
    public required RunState State { get; init; }

    /// <summary>The agent's answer: a claim, not evidence.</summary>
    public required string Answer { get; init; }

    /// <summary>The tool calls of the run with their results.</summary>
    public required IReadOnlyList<CompletedCall> Calls { get; init; }

    /// <summary>The answer of <see cref="IValidator.Call"/>, if the validator has one.</summary>
    public SideAnswer? Judgement { get; init; }

    /// <summary>The application's services, if the host gave them.</summary>
    public IServiceProvider? Services { get; init; }
}
