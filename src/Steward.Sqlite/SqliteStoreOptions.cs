using Steward.Storage;

namespace Steward.Sqlite;

/// <summary>What an acknowledged commit survives.</summary>
public enum SqliteDurability
{
    /// <summary>Everything, a power cut included: each commit is synced to the disk.</summary>
    Full,

    /// <summary>The end of the process, but not a power cut, which may lose the
    /// last commits (never corrupts); the witness then reports which.</summary>
    Normal,
}

/// <summary>How the embedded store keeps its file.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>The database file; beside it live <c>-wal</c>, <c>-shm</c> and <c>-witness</c>.</summary>
    public required string Path { get; init; }

    /// <summary>What an acknowledged commit survives.</summary>
    /// <value><see cref="SqliteDurability.Full"/>.</value>
    public SqliteDurability Durability { get; init; } = SqliteDurability.Full;

    /// <summary>How long to wait for another process that writes to the same file.</summary>
    /// <value>10 seconds.</value>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Pages (of 4 KiB) in the write-ahead log that bring on a checkpoint.</summary>
    /// <value>4,000; 100 to 100,000.</value>
    public int AutoCheckpoint { get; init; } = 4_000;

    /// <summary>Most KiB of pages that the writer keeps in memory: a process grows by so much while the database does.</summary>
    /// <value>32,768; 1,024 to 4,194,304.</value>
    public int WriterCache { get; init; } = 32 * 1024;

    /// <summary>Most pages (of 4 KiB) of the database file, as a quota; null for none.</summary>
    public long? MaxPageCount { get; init; }

    /// <summary>What the store takes at most.</summary>
    public StoreLimits Limits { get; init; } = new();

    /// <summary>Accepts that the database holds less than was acknowledged: the witness is reset to what it holds.</summary>
    /// <value>False.</value>
    public bool AcceptLoss { get; init; }

    /// <summary>Most operations that share one commit.</summary>
    /// <value>512; 1 to 10,000.</value>
    public int MaxGroup { get; init; } = 512;

    /// <summary>Checks that each option is in its range.</summary>
    /// <exception cref="ArgumentException">One is not; the message names it.</exception>
    internal void Check()
    {
        OptionRange.Check<int>("SqliteStoreOptions.AutoCheckpoint", AutoCheckpoint, 100, 100_000);
        OptionRange.Check<int>("SqliteStoreOptions.WriterCache", WriterCache, 1_024, 4_194_304);
        OptionRange.Check<int>("SqliteStoreOptions.MaxGroup", MaxGroup, 1, 10_000);
        OptionRange.Check<TimeSpan>("SqliteStoreOptions.BusyTimeout", BusyTimeout, TimeSpan.Zero, TimeSpan.FromHours(1));
        OptionRange.Check<long>("SqliteStoreOptions.MaxPageCount", MaxPageCount, 1, uint.MaxValue - 1);
        Limits.Check();
    }
}
