using Steward.Journal;
using Steward.Storage;

namespace Steward.Tools;

/// <summary>What a tool call knows about the run that makes it.</summary>
public sealed record ToolContext
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The run's tenant: what a tool may touch must be this tenant's.</summary>
    public required string Tenant { get; init; }

    /// <summary>The run's user, if any.</summary>
    public string? User { get; init; }

    /// <summary>The agent's name.</summary>
    public required string Agent { get; init; }

    /// <summary>The tool's name.</summary>
    public required string Tool { get; init; }

    /// <summary>The same for every attempt at this call, and for no other call. Hand it to the other side.</summary>
    public required string IdempotencyKey { get; init; }

    /// <summary>The lease's epoch: a fencing token for resources that can compare it.</summary>
    public required long Epoch { get; init; }

    /// <summary>The attempt at this call, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The journal's own transaction, lent to a <see cref="ToolEffect.Transactional"/> tool: what is written
    /// in it becomes durable together with the call's result, or not at all. Neither commit nor roll it back.</summary>
    public System.Data.Common.DbTransaction? Transaction { get; init; }

    /// <summary>The application's services, if the host gave them: a scope of this call alone, disposed when its handler has
    /// ended.</summary>
    public IServiceProvider? Services { get; init; }

    /// <summary>Where large results are kept.</summary>
    internal Storage.IBlobStore? Blobs { get; init; }

    /// <summary>The hashes of this run's large results: no other's can be read.</summary>
    internal IReadOnlyList<string> Results { get; init; } = [];
}

/// <summary>A tool says that its call failed, surely without effect, in words that the model may read.</summary>
public sealed class ToolException : StewardException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What the model reads: what is wrong and what to do instead.</param>
    /// <param name="innerException">The cause, for the operator.</param>
    public ToolException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
