using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;
using Steward.Declarative.Stores;
using Steward.Declarative.Yaml;
using Steward.Tools.Declarative;

namespace Steward.Declarative.Sections;

/// <summary>Reads <c>databases</c>, and makes the SQLite files that have a seed and are not there yet.</summary>
internal static class DatabaseSection
{
    public static IReadOnlyDictionary<string, SqlDatabase> Read(YamlValue? value, AgentScope scope)
    {
        var databases = new Dictionary<string, SqlDatabase>(StringComparer.Ordinal);
        foreach ((YamlValue key, YamlValue declared) in value?.Map("'databases'").Entries ?? [])
            databases[key.NonEmpty("the database's name")] = ReadOne(declared.Map("a database", AgentKeys.Database), scope);
        return databases;
    }

    private static SqlDatabase ReadOne(YamlMap map, AgentScope scope)
    {
        (string kind, YamlValue value) = map.OneOf("sqlite", "postgres");
        YamlValue? seed = map.Find("seed");
        if (kind == "sqlite")
            return Sqlite(value, seed, scope);
        if (seed is { } foreign)
            throw foreign.Error("Only a SQLite database has a seed. Remove it, and fill the PostgreSQL database yourself.");
        return Postgres(value, scope);
    }

    private static SqlDatabase Sqlite(YamlValue value, YamlValue? seed, AgentScope scope)
    {
        string path = scope.Resolve(value);
        if (seed is { } script)
            Seed.Ensure(path, scope.ReadText(script), script);
        else if (!File.Exists(path))
            throw value.Error(
                $"The database {value.Shown} does not exist: looked for '{path}'. Mend the path, or add 'seed: seed.sql', a script that makes it.");
        var connection = new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, ForeignKeys = true };
        return new SqlDatabase(SqliteFactory.Instance, connection.ConnectionString, SqlDialect.Sqlite);
    }

    private static SqlDatabase Postgres(YamlValue value, AgentScope scope)
    {
        string text = Variables.Need(value, scope.Options);
        try
        {
            (NpgsqlConnectionStringBuilder connection, _, bool pooled, _) = PostgresUrl.Read(text);
            if (pooled)
                throw value.Error("'pooled=true' is for the database of the runs ('store'). Take it out.");
            if (connection.Password is { Length: > 0 })
                Variables.RefuseLiteral(value);
            return new SqlDatabase(NpgsqlFactory.Instance, connection.ConnectionString, SqlDialect.Postgres);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or DbException)
        {
            // The text may hold a password: it is not shown.
            throw value.Error(
                "This is not how to connect to PostgreSQL. Write 'Host=…;Database=…;Username=…;Password=${env:PGPASSWORD}' or '${env:DATABASE_URL}' with a postgres:// URL.");
        }
    }
}
