namespace Steward.Sqlite.Tests;

/// <summary>A folder of its own for one test, deleted at its end.</summary>
public sealed class TestFolder : IDisposable
{
    public TestFolder() => Directory.CreateDirectory(Folder);

    public string Folder { get; } = Path.Combine(Path.GetTempPath(), $"steward-sqlite-{Guid.NewGuid():n}");

    public string Database => Path.Combine(Folder, "runs.db");

    public string Log => Database + "-wal";

    public string Witness => Database + "-witness";

    public SqliteStoreOptions Options => new() { Path = Database };

    public Task<SqliteStewardStore> OpenAsync(Func<SqliteStoreOptions, SqliteStoreOptions>? change = null, TimeProvider? time = null) =>
        SqliteStewardStore.OpenAsync(change is null ? Options : change(Options), time ?? TimeProvider.System, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Copies the database as it lies on the disk, as a crash of the machine or a careless backup would.</summary>
    public TestFolder Copy(bool witness)
    {
        TestFolder copy = new();
        File.Copy(Database, copy.Database);
        if (File.Exists(Log))
            File.Copy(Log, copy.Log);
        if (witness)
            File.Copy(Witness, copy.Witness);
        return copy;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
