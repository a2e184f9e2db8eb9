using Microsoft.Data.Sqlite;
using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Reading;

namespace Steward.ClusterBench.Bed;

/// <summary>A SQLite file, and ways to harm it.</summary>
/// <param name="folder">Where it is.</param>
internal class SqliteDatabase(string folder) : IDatabase
{
    public bool IsSqlite => true;

    public string Store => Path.Combine(folder, "runs.db");

    /// <summary>The write-ahead log beside it.</summary>
    public string Log => $"{Store}-wal";

    protected string Folder => folder;

    public Task<JournalEvidence> ReadAsync() => Task.FromResult(SqliteReader.Read(Store));

    public async Task ExecuteAsync(string sql)
    {
        await using SqliteConnection connection = Open();
        await using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Holds the write lock for a while, as a neighbour on the same file may.</summary>
    public async Task LockAsync(TimeSpan time)
    {
        await using SqliteConnection connection = Open();
        await using (connection.BeginTransaction(System.Data.IsolationLevel.Serializable, deferred: false))
            await Task.Delay(time);
    }

    /// <summary>Puts an older copy in the place of the file. The witness beside it stays.</summary>
    public void Restore(string copy)
    {
        File.Copy(copy, Store, overwrite: true);
        File.Delete(Log);
        File.Delete($"{Store}-shm");
    }

    public virtual void Dispose()
    {
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Store, Pooling = false }.ConnectionString);
        connection.Open();
        return connection;
    }
}
