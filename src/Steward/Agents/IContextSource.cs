using Steward.Journal;
using Steward.State;

namespace Steward.Agents;

/// <summary>Knows something that a run should read: recalled memory, facts about its
/// user, what was said before. Asked when a run opens and before each turn.</summary>
/// <remarks>
/// What it returns becomes part of the run's journal, in the commit of the model call that it was asked for. A replay reads it
/// from there and asks nobody. A source that fails, or takes longer than its timeout, is logged and left out: the run goes on without it.
/// </remarks>
public interface IContextSource
{
    /// <summary>Its name, unique within the agent; part of the definition's hash.</summary>
    string Name { get; }

    /// <summary>How long it may take.</summary>
    /// <value>10 seconds.</value>
    TimeSpan Timeout => TimeSpan.FromSeconds(10);

    /// <summary>What it knows that matters now; nothing is the usual answer.
    /// Must have no effect: after a crash it may be asked again.</summary>
    ValueTask<IReadOnlyList<ContextEvent>> ReadAsync(ContextRequest request, CancellationToken cancellationToken);
}

/// <summary>What a context source is asked about.</summary>
public sealed record ContextRequest
{
    /// <summary>The agent.</summary>
    public required AgentDefinition Agent { get; init; }

    /// <summary>The run's state.</summary>
    public required RunState State { get; init; }

    /// <summary>The turn that comes next, from 1; 0 when the run opens.</summary>
    public required int Turn { get; init; }

    /// <summary>The application's services, if the host gave them.</summary>
    public IServiceProvider? Services { get; init; }
}
