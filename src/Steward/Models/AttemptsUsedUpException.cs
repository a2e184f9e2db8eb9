namespace Steward.Models;

/// <summary>A model call failed, and the turn has no attempt left: it is not tried again now.</summary>
internal sealed class AttemptsUsedUpException : ModelException
{
    public AttemptsUsedUpException(ModelException failure)
        : base(failure.Failure, failure.Message, failure)
    {
        StatusCode = failure.StatusCode;
        RetryAfter = failure.RetryAfter;
        Partial = failure.Partial;
        NotBilled = failure.NotBilled;
    }
}
