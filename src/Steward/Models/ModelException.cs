using Microsoft.Extensions.AI;

namespace Steward.Models;

/// <summary>Why a model call failed; decides whether it is tried again, sent to the next model of the route, or given up.</summary>
public enum ModelFailure
{
    /// <summary>The provider said that it is overloaded (HTTP 529 or 503). Tried again, then the next model.</summary>
    Overloaded,

    /// <summary>Too many requests (HTTP 429). Tried again after <c>Retry-After</c>, then the next model.</summary>
    RateLimited,

    /// <summary>No answer in time. Tried again, then the next model.</summary>
    Timeout,

    /// <summary>The provider could not be reached, or failed on its side (HTTP 5xx). Tried again, then the next model.</summary>
    Unavailable,

    /// <summary>The answer's stream broke off. Tried again: the new attempt supersedes what had arrived.</summary>
    StreamInterrupted,

    /// <summary>The answer could not be read as the provider's protocol. Tried again, then the next model.</summary>
    InvalidResponse,

    /// <summary>The provider refused the request as wrong (HTTP 400, 404, 422). Never tried again on the same model.</summary>
    InvalidRequest,

    /// <summary>The request is longer than the model's context window. Never tried again on the same model.</summary>
    ContextTooLong,

    /// <summary>The credential is missing, wrong or not allowed (HTTP 401, 403), or the account is out of credit (402). Never tried again on the same model.</summary>
    Authentication,

    /// <summary>The model declined to answer for reasons of safety. The next model is asked.</summary>
    Refused,

    /// <summary>Anything else. Never tried again on the same model.</summary>
    Unknown,
}

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

    /// <summary>Whether the provider certainly charges nothing: it refused before any work. Otherwise an unknown usage settles as the whole reservation.</summary>
    /// <value>False.</value>
    public bool NotBilled { get; init; }
}
