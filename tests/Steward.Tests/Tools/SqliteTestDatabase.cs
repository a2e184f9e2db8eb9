using Microsoft.Data.Sqlite;
using Steward.Tools.Declarative;

namespace Steward.Tests.Tools;

/// <summary>A SQLite file in a folder of its own, filled by a script and gone with the test.</summary>
internal sealed class SqliteTestDatabase : IDisposable
{
    private readonly string _connection;

    public SqliteTestDatabase(string script)
    {
        _connection = $"Data Source={Path.Combine(Folder, "test.sqlite")};Pooling=False";
        Database = new SqlDatabase(SqliteFactory.Instance, _connection, SqlDialect.Sqlite);
        Scalar(script);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("steward-sql-").FullName;

    public SqlDatabase Database { get; }

    /// <summary>Runs statements past the tools, on a connection of its own.</summary>
    public object? Scalar(string sql)
    {
        using var open = new SqliteConnection(_connection);
        open.Open();
        using SqliteCommand command = open.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
