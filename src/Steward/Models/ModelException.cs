using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.Models;

/// <summary>A model call failed; says how, whether it may have cost money, and when to try again.</summary>
public class ModelException : StewardException
{
    /// <summary>Creates the error.</summary>
    public ModelException(ModelFailure failure, string message, Exception? innerException = null)
        : base(message, innerException) => Failure = failure;

    /// <summary>What kind of failure it was.</summary>
    public ModelFailure Failure { get; }

    /// <summary>The HTTP status, if there was one.</summary>
    public int? StatusCode { get; init; }

    /// <summary>How long the provider asked to wait before the next try (<c>Retry-After</c>), if it said so.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The usage that the provider reported before it failed, if it did.</summary>
    public UsageDetails? Usage { get; init; }

    /// <summary>What the model had said before it declined, if anything: the partial result.</summary>
    public string? Partial { get; init; }

    /// <summary>Whether the provider certainly charges nothing: it refused before any
    /// work. Otherwise an unknown usage settles as the whole reservation.</summary>
    /// <value>False.</value>
    public bool NotBilled { get; init; }
}
