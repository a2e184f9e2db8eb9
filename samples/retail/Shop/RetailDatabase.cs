using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Steward.Retail.Data;
using Steward.Tools;

namespace Steward.Retail.Shop;

/// <summary>An effect that the shop has kept: under which key, by which call.</summary>
internal sealed record Effect(string Key, string Tool, JsonObject Arguments, string Observation);

/// <summary>The shop: one document a user, order and product, and every effect under the idempotency key of the call that made it.</summary>
/// <remarks>
/// The key is stored in the transaction of the effect. So a call that comes again with its key is answered from the table, and whether
/// a call whose answer was lost took effect can be looked up: there is nothing between "happened" and "did not happen".
/// </remarks>
internal sealed class RetailDatabase : IDisposable
{
    private const string Schema =
        """
        CREATE TABLE users (
          n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL,
          email TEXT AS (lower(document ->> '$.email')) STORED,
          name TEXT AS (lower((document ->> '$.name.first_name') || ' ' || (document ->> '$.name.last_name'))) STORED,
          zip TEXT AS (document ->> '$.address.zip') STORED);
        CREATE INDEX users_email ON users (email);
        CREATE INDEX users_name ON users (name, zip);
        CREATE TABLE orders (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL);
        CREATE TABLE products (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL);
        CREATE TABLE effects (n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, run TEXT NOT NULL, tool TEXT NOT NULL, arguments TEXT NOT NULL, observation TEXT NOT NULL);
        """;

    private readonly Lock _lock = new();
    private readonly SqliteConnection _connection;

    private RetailDatabase(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 10 }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode = WAL");
        Execute("PRAGMA synchronous = FULL");
    }

    /// <summary>Makes a shop as it is before any task.</summary>
    /// <param name="path">The file; it must not be there.</param>
    /// <param name="data">Where the documents come from.</param>
    public static void Create(string path, RetailDataset data)
    {
        using var database = new RetailDatabase(path);
        database.Execute("BEGIN");
        database.Execute(Schema);
        foreach ((string table, JsonObject documents) in data.Documents)
        {
            using SqliteCommand insert = database.Command($"INSERT INTO {table} (id, document) VALUES ($id, $document)", ("$id", ""), ("$document", ""));
            insert.Prepare();
            foreach ((string id, JsonNode? document) in documents)
            {
                insert.Parameters[0].Value = id;
                insert.Parameters[1].Value = PythonJson.Write(document);
                insert.ExecuteNonQuery();
            }
        }

        database.Execute("COMMIT");
    }

    /// <summary>Opens a shop.</summary>
    public static RetailDatabase Open(string path) =>
        File.Exists(path) ? new RetailDatabase(path) : throw new FileNotFoundException($"There is no shop '{path}'.", path);

    /// <summary>A document's text, or null.</summary>
    public string? Read(string table, string id) => Text($"SELECT document FROM {table} WHERE id = $id", ("$id", id));

    /// <summary>The id of the first user that a condition holds for, or null.</summary>
    public string? FindUser(string condition, params (string Name, object Value)[] values) =>
        Text($"SELECT id FROM users WHERE {condition} ORDER BY n LIMIT 1", values);

    /// <summary>All documents of a table by id, as texts.</summary>
    public Dictionary<string, string> ReadAll(string table)
    {
        lock (_lock)
        {
            using SqliteCommand command = Command($"SELECT id, document FROM {table}");
            using SqliteDataReader reader = command.ExecuteReader();
            var documents = new Dictionary<string, string>(StringComparer.Ordinal);
            while (reader.Read())
                documents.Add(reader.GetString(0), reader.GetString(1));
            return documents;
        }
    }

    /// <summary>All effects, in their order.</summary>
    public List<Effect> Effects()
    {
        lock (_lock)
        {
            using SqliteCommand command = Command("SELECT key, tool, arguments, observation FROM effects ORDER BY n");
            using SqliteDataReader reader = command.ExecuteReader();
            List<Effect> effects = [];
            while (reader.Read())
                effects.Add(new Effect(reader.GetString(0), reader.GetString(1), JsonNode.Parse(reader.GetString(2))!.AsObject(), reader.GetString(3)));
            return effects;
        }
    }

    /// <summary>What the call with a key was answered when it took effect; null when it did not.</summary>
    public string? FindEffect(string key) => Text("SELECT observation FROM effects WHERE key = $key", ("$key", key));

    /// <summary>Makes a call's effect and keeps its key, both or neither. The same key again is only answered.</summary>
    /// <param name="context">The call.</param>
    /// <param name="arguments">Its arguments, for the table.</param>
    /// <param name="act">Changes documents and gives the observation; throws a <see cref="ToolException"/> to refuse.</param>
    public string Act(ToolContext context, string arguments, Func<Desk, string> act)
    {
        lock (_lock)
        {
            // Not deferred: what is read here must still be so when it is written.
            using SqliteTransaction transaction = _connection.BeginTransaction(deferred: false);
            if (FindEffect(context.IdempotencyKey) is { } earlier)
                return earlier;
            string observation = act(new Desk(this));
            Execute(
                "INSERT INTO effects (key, run, tool, arguments, observation) VALUES ($key, $run, $tool, $arguments, $observation)",
                ("$key", context.IdempotencyKey),
                ("$run", context.Run.ToString()),
                ("$tool", context.Tool),
                ("$arguments", arguments),
                ("$observation", observation));
            transaction.Commit();
            return observation;
        }
    }

    /// <summary>Writes a document; only within <see cref="Act"/>.</summary>
    public void Write(string table, string id, string document) =>
        Execute($"UPDATE {table} SET document = $document WHERE id = $id", ("$id", id), ("$document", document));

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private string? Text(string sql, params (string Name, object Value)[] values)
    {
        lock (_lock)
        {
            using SqliteCommand command = Command(sql, values);
            return command.ExecuteScalar() as string;
        }
    }

    private void Execute(string sql, params (string Name, object Value)[] values)
    {
        lock (_lock)
        {
            using SqliteCommand command = Command(sql, values);
            command.ExecuteNonQuery();
        }
    }

    private SqliteCommand Command(string sql, params (string Name, object Value)[] values)
    {
        // Statements are written in this folder; what a model says only ever becomes a parameter.
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object value) in values)
            command.Parameters.AddWithValue(name, value);
        return command;
    }
}
