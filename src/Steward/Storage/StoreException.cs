namespace Steward.Storage;

/// <summary>Why a store refused or failed.</summary>
public enum StoreFailure
{
    /// <summary>The disk or its quota is full; free room and go on: nothing is lost.</summary>
    Full,

    /// <summary>Another process held the database for too long.</summary>
    Busy,

    /// <summary>The database cannot be written: read-only, or no permission.</summary>
    ReadOnly,

    /// <summary>The database is damaged.</summary>
    Corrupt,

    /// <summary>The database was made by a newer version.</summary>
    NewerSchema,

    /// <summary>Reading or writing failed in the operating system; the store must be reopened and re-read.</summary>
    Io,

    /// <summary>A record or run is larger than the limits allow.</summary>
    TooLarge,

    /// <summary>The store was closed.</summary>
    Closed,
}

/// <summary>The store could not do what was asked; says why and what to do.</summary>
public class StoreException : StewardException
{
    /// <summary>Creates the error.</summary>
    public StoreException(StoreFailure failure, string message, Exception? innerException = null)
        : base(message, innerException) => Failure = failure;

    /// <summary>Why.</summary>
    public StoreFailure Failure { get; }
}
