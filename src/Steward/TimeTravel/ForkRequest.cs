using Steward.Journal;

namespace Steward.TimeTravel;

/// <summary>From where a run is forked, and what is different in the fork. At most
/// one of input and result is changed; nothing that followed it is copied.</summary>
public sealed record ForkRequest
{
    /// <summary>The last sequence of the journal that is looked at; null for its last one, or for that of the changed result.</summary>
    public long? Sequence { get; init; }

    /// <summary>What is asked instead: in place of the last <c>message.received</c> up to the sequence, or of the request itself.</summary>
    public IReadOnlyList<ContentPart>? Input { get; init; }

    /// <summary>What a tool returned instead.</summary>
    public ForkResult? Result { get; init; }

    /// <summary>The agent that goes on; null for the one that it was. It must be loaded here.</summary>
    public string? Agent { get; init; }

    /// <summary>The version that goes on; null for the newest of <see cref="Agent"/>,
    /// or for the one that it was. It must be loaded here.</summary>
    public string? AgentVersion { get; init; }

    /// <summary>Who forks, by the name under which they would decide; null where nobody says. The fork was started by them.</summary>
    public string? By { get; init; }

    /// <summary>The session that the fork is part of; null for none, so that the session's later runs do not hear of it.</summary>
    public string? Session { get; init; }

    /// <summary>Ceilings that tighten the fork's.</summary>
    public BudgetCeilings? Ceilings { get; init; }

    /// <summary>Makes forking idempotent: the same key of the same tenant gives the same run.</summary>
    public string? Key { get; init; }
}

/// <summary>Another result of a call.</summary>
/// <param name="Turn">The turn of the call.</param>
/// <param name="Index">Its place in that turn's message, from 0.</param>
/// <param name="Text">What the model sees as its result.</param>
public sealed record ForkResult(int Turn, int Index, string Text);
