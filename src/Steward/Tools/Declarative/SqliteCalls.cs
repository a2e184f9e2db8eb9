using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Steward.Tools.Declarative;

/// <summary>What SQLite can and its .NET driver does not offer: stopping a statement, and a bound on the size of a value.</summary>
/// <remarks>The driver is not among this package's references, so its public members are found by name.</remarks>
internal static class SqliteCalls
{
    private const int LimitLength = 0;
    private const int SmallestLimit = 16 * 1024 * 1024;

    /// <summary>The largest value that SQLite itself handles in a call that reads. What is shown of one is bounded by the call.</summary>
    public static int LargestValue(SqlCall call) => (int)Math.Min(1_000_000_000, Math.Max(SmallestLimit, 4L * call.MaxBytes));

    /// <summary>Whether an error is SQLite's of a code, for example 5 for <c>SQLITE_BUSY</c>.</summary>
    public static bool IsError(DbException e, int code) => e.Message.StartsWith($"SQLite Error {code}:", StringComparison.Ordinal);

    /// <summary>Has SQLite refuse values that are larger, before memory is taken for them.</summary>
    public static void Limit(DbConnection connection, SqlCall call) =>
        Find(connection, "sqlite3_limit", typeof(int), typeof(int))?.Invoke([LimitLength, LargestValue(call)]);

    /// <summary>What stops the statement at work on a connection, from any thread; null where the driver has no such thing.</summary>
    public static Action? Interrupt(DbConnection connection) =>
        Find(connection, "sqlite3_interrupt") is { } interrupt ? () => interrupt([]) : null;

    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "The driver uses the handle itself, so it is there.")]
    private static Action<object[]>? Find(DbConnection connection, string name, params Type[] types)
    {
        if (connection.GetType().GetProperty("Handle")?.GetValue(connection) is not { } handle)
            return null;
        MethodInfo? method = Type.GetType("SQLitePCL.raw, SQLitePCLRaw.core")?.GetMethod(name, [handle.GetType(), .. types]);
        return method is null ? null : arguments => method.Invoke(null, [handle, .. arguments]);
    }
}

/// <summary>Stops a SQLite statement that is at work when its call is cancelled.</summary>
/// <remarks>
/// The driver is synchronous, and its <see cref="DbCommand.Cancel"/> does nothing. <c>sqlite3_interrupt</c> only reaches
/// a statement that has begun, so it is said again until the statement has ended.
/// </remarks>
internal sealed class SqliteInterrupt : IDisposable
{
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private readonly Action? _interrupt;
    private readonly CancellationTokenRegistration _registration;
    private ITimer? _timer;
    private bool _over;

    /// <param name="connection">Where the statement runs; another database's driver cancels by itself.</param>
    /// <param name="cancellationToken">The call's.</param>
    public SqliteInterrupt(DbConnection connection, CancellationToken cancellationToken)
    {
        _interrupt = SqliteCalls.Interrupt(connection);
        if (_interrupt is not null)
            _registration = cancellationToken.UnsafeRegister(static self => ((SqliteInterrupt)self!).Begin(), this);
    }

    /// <summary>The statement has ended: from here on nothing is interrupted.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _over = true;
            _timer?.Dispose();
        }

        _registration.Dispose();
    }

    private void Begin()
    {
        lock (_lock)
        {
            if (!_over)
                _timer = TimeProvider.System.CreateTimer(static self => ((SqliteInterrupt)self!).Interrupt(), this, TimeSpan.Zero, s_again);
        }
    }

    private void Interrupt()
    {
        lock (_lock)
        {
            if (!_over)
                _interrupt!();
        }
    }
}
