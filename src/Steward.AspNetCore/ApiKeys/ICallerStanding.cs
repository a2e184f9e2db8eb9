namespace Steward.AspNetCore;

/// <summary>Whether who was let in would still be: a stream asks again and again, for a key may be revoked while it is open.</summary>
internal interface ICallerStanding
{
    /// <summary>Whether the caller's key is still one of the server's, and has not expired.</summary>
    bool IsKnown { get; }
}
