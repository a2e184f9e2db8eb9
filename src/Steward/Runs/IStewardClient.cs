using Steward.Budgets;

namespace Steward.Runs;

/// <summary>Starts runs and finds them.</summary>
public interface IStewardClient
{
    /// <summary>Starts a run of an agent; once it returns, the run is durable.</summary>
    /// <exception cref="StewardException">There is no such agent here.</exception>
    Task<RunHandle> StartAsync(string agent, RunRequest request, CancellationToken cancellationToken = default);

    /// <summary>A handle to a run.</summary>
    RunHandle Get(RunId run);
}

/// <summary>What a run is asked to do, and for whom.</summary>
public sealed record RunRequest
{
    /// <summary>Asks in words.</summary>
    public RunRequest(string text)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        Input = [new TextPart(text)];
    }

    /// <summary>Asks with several parts, for example text and an image.</summary>
    public RunRequest(IReadOnlyList<ContentPart> input)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfZero(input.Count, nameof(input));
        Input = input;
    }

    /// <summary>The request.</summary>
    public IReadOnlyList<ContentPart> Input { get; }

    /// <summary>The tenant.</summary>
    /// <value><c>default</c>.</value>
    public string Tenant { get; init; } = "default";

    /// <summary>The user on whose behalf it runs.</summary>
    public string? User { get; init; }

    /// <summary>The conversation that it belongs to.</summary>
    public string? Session { get; init; }

    /// <summary>Makes starting idempotent: the same key of the same tenant gives the same run.</summary>
    public string? Key { get; init; }

    /// <summary>Ceilings that tighten the agent's own for this run.</summary>
    public BudgetCeilings? Ceilings { get; init; }
}
