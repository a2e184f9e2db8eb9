namespace Steward.Declarative;

/// <summary>What reading an agent's file may depend on from outside.</summary>
public sealed record AgentFileOptions
{
    /// <summary>Environment variables: keys, base URLs, secrets.</summary>
    /// <value>Those of the process.</value>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Uses the scripted model even where a key for a real one is set.</summary>
    /// <value>False.</value>
    public bool Scripted { get; init; }

    /// <summary>The clock of scripted models.</summary>
    /// <value>The system's.</value>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The folders whose agents are being read: one that is met again calls itself.</summary>
    internal IReadOnlyList<string> Loading { get; init; } = [];
}
