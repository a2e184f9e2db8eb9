namespace Steward;

/// <summary>The base of every error that Steward raises for its callers; subclasses carry the data of what went wrong.</summary>
public class StewardException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What happened, the value in quotes, and the remedy.</param>
    /// <param name="innerException">The cause, if any.</param>
    public StewardException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
