using Microsoft.Data.Sqlite;
using Steward.Declarative.Yaml;

namespace Steward.Declarative.Sections;

/// <summary>Makes a SQLite file from a script, once.</summary>
/// <remarks>
/// The file is built under another name, in one transaction, and gets its own by a rename that replaces nothing. Readers see all
/// of it or none, and a crash leaves only a file that nobody reads. Of two processes that do it at the same time, one wins.
/// </remarks>
internal static class Seed
{
    /// <exception cref="AgentFileException">The script fails; the file is not made.</exception>
    public static void Ensure(string path, string script, YamlValue at)
    {
        if (File.Exists(path))
            return;
        try
        {
            string folder = Path.GetDirectoryName(path)!;
            Directory.CreateDirectory(folder);
            string building = Path.Combine(folder, $".{Path.GetFileName(path)}.{Path.GetRandomFileName()}");
            try
            {
                Build(building, script);
                Publish(building, path);
            }
            finally
            {
                File.Delete(building);
            }
        }
        catch (SqliteException e)
        {
            throw at.Error($"The seed {at.Shown} failed, and no database was made: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw at.Error($"The database '{path}' cannot be made: {e.Message}");
        }
    }

    private static void Build(string path, string script)
    {
        var options = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false };
        using var connection = new SqliteConnection(options.ConnectionString);
        connection.Open();
        using SqliteTransaction transaction = connection.BeginTransaction();
        using SqliteCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = script;
        command.ExecuteNonQuery();
        transaction.Commit();
    }

    private static void Publish(string building, string path)
    {
        try
        {
            File.Move(building, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process was first: its file is the one.
        }
    }
}
