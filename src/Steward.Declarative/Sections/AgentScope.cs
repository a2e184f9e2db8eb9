using Steward.Declarative.Stores;
using Steward.Declarative.Yaml;
using Steward.Tools.Declarative;

namespace Steward.Declarative.Sections;

/// <summary>What the sections of a file need beside their own lines.</summary>
internal sealed record AgentScope(string Folder, AgentFileOptions Options)
{
    public IReadOnlyDictionary<string, SqlDatabase> Databases { get; init; } = new Dictionary<string, SqlDatabase>();

    /// <summary>The path of a file that the value names, relative to the folder.</summary>
    public string Resolve(YamlValue value) => Path.GetFullPath(Path.Combine(Folder, value.NonEmpty("the path")));

    /// <summary>Where runs are kept: a PostgreSQL database, or a file relative to the folder.</summary>
    public StoreAddress Store(YamlValue value)
    {
        string text = Variables.Need(value, Options);
        if (!StoreAddress.IsPostgres(text))
            return StoreAddress.OfFile(Path.Combine(Folder, value.NonEmpty("the path")));
        try
        {
            if (PostgresUrl.Read(text).Connection.Password is { Length: > 0 })
                Variables.RefuseLiteral(value);
            return StoreAddress.OfPostgres(text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            // The text may hold a password: it is not shown.
            throw value.Error("This is not how to connect to PostgreSQL. Write 'postgres://user@host/database' or '${env:DATABASE_URL}'.");
        }
    }

    /// <summary>The text of a file that the value names.</summary>
    public string ReadText(YamlValue value)
    {
        string path = Resolve(value);
        if (!File.Exists(path))
            throw value.Error($"The file {value.Shown} does not exist: looked for '{path}'. Paths start at the folder of this file.");
        try
        {
            return YamlFile.ReadText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw value.Error($"The file {value.Shown} cannot be read: {e.Message}");
        }
    }

    /// <summary>The database that a map names; the only one where it names none.</summary>
    public SqlDatabase Database(YamlMap map)
    {
        if (map.Find("database") is { } named)
            return named.OneOf("one of the databases", Databases);
        return Databases.Count == 1
            ? Databases.Values.First()
            : throw map.Self.Error(
                Databases.Count == 0
                    ? "There is no database to run this on. Declare one under 'databases:'." : $"Say which database: 'database:' with one of {string.Join(", ", Databases.Keys)}.");
    }
}
