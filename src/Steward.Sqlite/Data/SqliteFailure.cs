using Steward.Storage;
using static SQLitePCL.raw;

namespace Steward.Sqlite.Data;

/// <summary>SQLite said no; carries its code until the store's edge, where it becomes a <see cref="StoreException"/>.</summary>
internal sealed class SqliteFailure(string path, int extendedCode, string message) : Exception(message)
{
    public int ExtendedCode { get; } = extendedCode;

    public int Code => ExtendedCode & 0xff;

    /// <summary>Whether nothing more may be written before the file was closed, reopened and read again.</summary>
    public bool IsIo => Code is SQLITE_IOERR;

    public bool IsBusy => Code is SQLITE_BUSY or SQLITE_LOCKED;

    public StoreException ToStoreException() => Code switch
    {
        SQLITE_FULL => Make(
            StoreFailure.Full,
            "is full: the disk or the page quota (MaxPageCount) has no room left. Free room or raise the quota and go on; nothing that was acknowledged is lost"),
        SQLITE_BUSY or SQLITE_LOCKED => Make(
            StoreFailure.Busy,
            "is being written by another process that did not finish in time. Try again, stop the other process, or raise BusyTimeout"),
        SQLITE_READONLY or SQLITE_PERM or SQLITE_AUTH => Make(
            StoreFailure.ReadOnly,
            "cannot be written. Check the permissions of the file and of its directory, and that the file system is not mounted read-only"),
        SQLITE_CANTOPEN => Make(StoreFailure.Io, "cannot be opened. Check that its directory exists and may be written"),
        SQLITE_CORRUPT or SQLITE_NOTADB => Make(
            StoreFailure.Corrupt, "is damaged or not a database. Restore it from a backup, then check all of it with VerifyAsync"),
        SQLITE_CONSTRAINT => Make(
            StoreFailure.Corrupt, "contradicts itself. Check all of it with VerifyAsync, and restore it from a backup"),
        SQLITE_TOOBIG => Make(StoreFailure.TooLarge, "does not take a value that large. Lower StoreLimits"),
        _ =>
            Make(
                StoreFailure.Io, "could not be read or written. What was asked may or may not have happened: read it back; check the disk"),
    };

    private StoreException Make(StoreFailure failure, string what) =>
        new(failure, $"The database '{path}' {what}. SQLite said: {Message} (code {ExtendedCode}).", this);
}
