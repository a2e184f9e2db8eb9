namespace Steward.Journal;

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

    /// <summary>The credential is missing, wrong or not allowed (HTTP 401, 403), or the
    /// account is out of credit (402). Never tried again on the same model.</summary>
    Authentication,

    /// <summary>The model declined to answer for reasons of safety. The next model is asked.</summary>
    Refused,

    /// <summary>Anything else. Never tried again on the same model.</summary>
    Unknown,
}
