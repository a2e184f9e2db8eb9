using System.Data.Common;
using Npgsql;

namespace Steward.Declarative.Stores;

/// <summary>Where runs are kept: a SQLite file, or a PostgreSQL database.</summary>
public sealed record StoreAddress
{
    private const string Remedy =
        "Write 'postgres://user@host/database' or 'Host=…;Database=…;Username=…', and the password into PGPASSWORD or a PGPASSFILE.";

    private StoreAddress(string name) => Name = name;

    /// <summary>The file, when it is one.</summary>
    public string? Path { get; private init; }

    /// <summary>How to connect, when it is a PostgreSQL database; may hold a password.</summary>
    public string? ConnectionString { get; private init; }

    /// <summary>The schema of the tables in a PostgreSQL database.</summary>
    public string Schema { get; private init; } = "steward";

    /// <summary>Whether a pooler in transaction mode stands before a PostgreSQL database.</summary>
    public bool Pooled { get; private init; }

    /// <summary>Whether a failover of a PostgreSQL database loses nothing that was acknowledged.</summary>
    public bool LosslessFailover { get; private init; }

    /// <summary>The address for people and for <c>--store</c>: never with a password.</summary>
    public string Name { get; }

    /// <summary>Whether it is there: of a database on a server, only an attempt says.</summary>
    public bool MayExist => Path is null || File.Exists(Path);

    /// <summary>A SQLite file; a relative path starts at the working directory.</summary>
    public static StoreAddress OfFile(string path) => new(System.IO.Path.GetFullPath(path)) { Path = System.IO.Path.GetFullPath(path) };

    /// <summary>Whether a text names a PostgreSQL database and not a file.</summary>
    public static bool IsPostgres(string text) =>
        text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("Host=", StringComparison.OrdinalIgnoreCase) || text.StartsWith("Server=", StringComparison.OrdinalIgnoreCase);

    /// <summary>A PostgreSQL database: a <c>postgres://</c> URL, or a connection string as Npgsql writes it.</summary>
    /// <exception cref="FormatException">It cannot be understood; the message does not repeat it, for it may hold a password.</exception>
    public static StoreAddress OfPostgres(string text)
    {
        try
        {
            (NpgsqlConnectionStringBuilder connection, string? schema, bool pooled, bool lossless) = PostgresUrl.Read(text);
            if (string.IsNullOrEmpty(connection.Host))
                throw new ArgumentException("There is no host in it.");
            return new StoreAddress(Describe(connection, schema, pooled, lossless))
            {
                ConnectionString = connection.ConnectionString,
                Schema = schema ?? "steward",
                Pooled = pooled,
                LosslessFailover = lossless,
            };
        }
        catch (Exception e) when (e is ArgumentException or FormatException or DbException)
        {
            throw new FormatException($"This is not how to connect to PostgreSQL. {Remedy}");
        }
    }

    /// <inheritdoc cref="Name"/>
    public override string ToString() => Name;

    private static string Describe(NpgsqlConnectionStringBuilder connection, string? schema, bool pooled, bool lossless)
    {
        // A socket's folder or several hosts have no place in a URL.
        bool isUrl = connection.Host!.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
        if (!isUrl)
            return new NpgsqlConnectionStringBuilder(connection.ConnectionString) { Password = null, SslPassword = null }.ConnectionString;
        string user = connection.Username is { Length: > 0 } name ? $"{Uri.EscapeDataString(name)}@" : "";
        string port = connection.Port == NpgsqlConnection.DefaultPort ? "" : $":{connection.Port}";
        string[] options =
        [
            .. schema is null ? (string[])[] : [$"schema={schema}"],
            .. pooled ? (string[])["pooled=true"] : [],
            .. lossless ? (string[])["lossless_failover=true"] : [],
        ];
        return $"postgres://{user}{connection.Host}{port}/{Uri.EscapeDataString(connection.Database ?? "")}{(options.Length == 0 ? "" : $"?{string.Join('&', options)}")}";
    }
}
