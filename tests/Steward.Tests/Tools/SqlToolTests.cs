using System.Text.Json;
using Microsoft.Data.Sqlite;
using Npgsql;
using Steward.Journal;
using Steward.Tests.Shared;
using Steward.Tools;
using Steward.Tools.Declarative;
using static Steward.Tests.Tools.ToolContexts;

namespace Steward.Tests.Tools;

public sealed class SqlToolTests : IDisposable
{
    private readonly SqliteTestDatabase _database = new("""
        CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, tenant TEXT);
        CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) DEFERRABLE INITIALLY DEFERRED, text TEXT, key TEXT UNIQUE);
        INSERT INTO users VALUES (1, 'Ann', 'ann@example.com', 'acme'), (2, 'Bob', NULL, 'acme'), (3, 'Cy', 'cy@example.com', 'other');
        """);

    public void Dispose() => _database.Dispose();

    [Fact]
    public async Task Read_Rows_AreJson()
    {
        ToolDefinition tool = Read("SELECT id, name, email, 1.5 AS half, x'0102' AS data, id FROM users WHERE name LIKE @name", new ToolParameter("name"));

        Assert.Equal(
            """{"rows":[{"id":1,"name":"Ann","email":"ann@example.com","half":1.5,"data":"AQI=","id_2":1}],"count":1,"truncated":false}""",
            await tool.CallAsync("""{"name":"Ann"}"""));
    }

    [Fact]
    public async Task Read_ValueWithSql_IsOnlyAValue()
    {
        ToolDefinition tool = Read("SELECT id FROM users WHERE name = @name", new ToolParameter("name"));
        Assert.Equal("""{"rows":[],"count":0,"truncated":false}""", await tool.CallAsync("""{"name":"' OR 1=1; DROP TABLE users; --"}"""));
    }

    [Fact]
    public async Task Read_BuiltInParameters_AreTheRuns()
    {
        ToolDefinition tool = Read("SELECT @tenant AS t, @user AS u, @run_id AS r, @idempotency_key AS k");
        Assert.Equal(
            """{"rows":[{"t":"acme","u":null,"r":"0192f0c1d2e3747586978899aabbccdd","k":"key-1"}],"count":1,"truncated":false}""",
            await tool.CallAsync(context: Context(user: null)));
    }

    [Fact]
    public async Task Read_OptionalParameters_HaveTheirDefaultOrNull()
    {
        ToolDefinition tool = Read(
            "SELECT @a AS a, @b AS b, @c AS c, @d AS d",
            new ToolParameter("a", ToolParameterType.Integer) { Default = JsonElement.Parse("7") },
            new ToolParameter("b") { Required = false },
            new ToolParameter("c", ToolParameterType.Boolean),
            new ToolParameter("d", ToolParameterType.Number));

        Assert.Equal("""{"rows":[{"a":7,"b":null,"c":1,"d":2.5}],"count":1,"truncated":false}""", await tool.CallAsync("""{"b":null,"c":true,"d":2.5}"""));
    }

    [Fact]
    public async Task Read_MoreRowsThanTheLimit_SaysThatItIsCut()
    {
        ToolDefinition tool = SqlTool.Create(Options("SELECT id FROM users ORDER BY id", ToolEffect.ReadOnly) with { MaxRows = 2 });
        Assert.Equal("""{"rows":[{"id":1},{"id":2}],"count":2,"truncated":true}""", await tool.CallAsync());
    }

    [Fact]
    public async Task Read_MoreBytesThanTheLimit_SaysThatItIsCut()
    {
        ToolDefinition tool = SqlTool.Create(Options("SELECT id, 'xxxxxxxxxx' AS x FROM users ORDER BY id", ToolEffect.ReadOnly) with { MaxBytes = 12 });
        Assert.Equal("""{"rows":[{"id":1,"x":"xxxx… [cut off]"}],"count":1,"truncated":true}""", await tool.CallAsync());
    }

    [Theory]
    [InlineData("INSERT INTO users(name) VALUES ('x')")]
    [InlineData("UPDATE users SET name = 'x'")]
    [InlineData("DELETE FROM users")]
    [InlineData("PRAGMA query_only = OFF")]
    [InlineData("PRAGMA writable_schema = ON")]
    [InlineData("ATTACH 'other.db' AS other")]
    [InlineData("CREATE TEMP TABLE t (a)")]
    [InlineData("VACUUM INTO 'copy.db'")]
    [InlineData("BEGIN")]
    public void Create_StatementThatDoesNotRead_IsRefused(string sql)
    {
        var error = Assert.Throws<ArgumentException>(() => Read(sql));
        Assert.Contains("SELECT", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("WITH a AS (SELECT 1) INSERT INTO users(name) SELECT 'x' FROM a")]
    [InlineData("WITH a AS (SELECT 1) UPDATE users SET name = 'x'")]
    [InlineData("WITH a AS (SELECT 1) DELETE FROM users")]
    [InlineData("WITH a AS (SELECT 1) INSERT INTO users(name) SELECT 'x' FROM a RETURNING id")]
    public async Task Read_StatementThatWrites_IsRefusedByTheDatabase(string sql)
    {
        var error = await Assert.ThrowsAsync<ToolException>(() => Read(sql).CallAsync());

        Assert.Contains("readonly", error.Message, StringComparison.Ordinal);
        Assert.Equal(3L, _database.Scalar("SELECT count(*) FROM users WHERE name <> 'x'"));
    }

    [Theory]
    [InlineData("INSERT INTO users(name) VALUES ('x')")]
    [InlineData("ATTACH 'other.db' AS other")]
    [InlineData("CREATE TABLE t (a)")]
    public async Task ReadAsync_StatementPastTheCheckOfItsVerb_IsRefusedByTheDatabase(string sql)
    {
        string before = Directory.GetCurrentDirectory();
        SqlCall call = new(SqlStatement.Parse(sql, SqlDialect.Sqlite), new Dictionary<string, object?>(), TimeSpan.FromSeconds(5), 10, 1000);

        await Assert.ThrowsAsync<ToolException>(() => _database.Database.ReadAsync(call, TestContext.Current.CancellationToken));
        Assert.False(File.Exists(Path.Combine(before, "other.db")));
    }

    [Fact]
    public async Task Read_DatabaseMissing_SaysSoWithoutItsConnectionString()
    {
        var database = new SqlDatabase(SqliteFactory.Instance, $"Data Source={_database.Folder}/secret-name.sqlite", SqlDialect.Sqlite);
        ToolDefinition tool = SqlTool.Create(Options("SELECT 1", ToolEffect.ReadOnly) with { Database = database });

        var error = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync());
        Assert.DoesNotContain("secret-name", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists($"{_database.Folder}/secret-name.sqlite"));
    }

    [Fact]
    public async Task Write_Rows_AreCounted()
    {
        ToolDefinition tool = Write("UPDATE users SET name = @name WHERE tenant = @tenant", new ToolParameter("name"));

        Assert.Equal("""{"changed":2}""", await tool.CallAsync("""{"name":"Zoe"}"""));
        Assert.Equal(2L, _database.Scalar("SELECT count(*) FROM users WHERE name = 'Zoe'"));
    }

    [Fact]
    public async Task Write_Returning_GivesTheRowsAndTheCount()
    {
        ToolDefinition tool = SqlTool.Create(Options("UPDATE users SET name = 'x' RETURNING id", ToolEffect.Unsafe) with { MaxRows = 1 });

        Assert.Equal("""{"changed":3,"rows":[{"id":1}],"count":1,"truncated":true}""", await tool.CallAsync());
        Assert.Equal(3L, _database.Scalar("SELECT count(*) FROM users WHERE name = 'x'"));
    }

    [Fact]
    public async Task Write_ConstraintBroken_IsToldToTheModelAndUndone()
    {
        ToolDefinition tool = Write("UPDATE users SET email = @email", new ToolParameter("email"));

        var error = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync("""{"email":"same@example.com"}"""));
        Assert.Contains("UNIQUE constraint failed: users.email", error.Message, StringComparison.Ordinal);
        Assert.Equal(0L, _database.Scalar("SELECT count(*) FROM users WHERE email = 'same@example.com'"));
    }

    [Fact]
    public async Task Write_CommitFails_TheExceptionPasses()
    {
        ToolDefinition tool = Write("INSERT INTO notes(user_id, text) VALUES (99, 'x')");
        await Assert.ThrowsAsync<SqliteException>(() => tool.CallAsync());
    }

    [Theory]
    [InlineData("DROP TABLE users")]
    [InlineData("COMMIT")]
    [InlineData("PRAGMA journal_mode = WAL")]
    [InlineData("ATTACH 'x' AS y")]
    public void Create_WriteOfAnotherKind_IsRefused(string sql) => Assert.Throws<ArgumentException>(() => Write(sql));

    [Fact]
    public void Create_TwoStatements_AreRefused() => Assert.Throws<ArgumentException>(() => Write("DELETE FROM notes; DELETE FROM users"));

    [Fact]
    public void Create_ParameterNotDeclared_IsRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => Read("SELECT @nme", new ToolParameter("name")));
        Assert.Contains("@nme", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_ParameterNotUsed_IsRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => Read("SELECT '@name'", new ToolParameter("name")));
        Assert.Contains("'name'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_ParameterOfTheRuntime_CannotBeDeclared() =>
        Assert.Throws<ArgumentException>(() => Read("SELECT @tenant", new ToolParameter("tenant")));

    [Fact]
    public void Create_IdempotentWithoutItsKey_IsRefused() =>
        Assert.Throws<ArgumentException>(() => SqlTool.Create(Options("DELETE FROM notes", ToolEffect.Idempotent)));

    [Fact]
    public void Create_Transactional_IsRefused() =>
        Assert.Throws<ArgumentException>(() => SqlTool.Create(Options("DELETE FROM notes", ToolEffect.Transactional)));

    [Fact]
    public void Create_ProbeThatWrites_IsRefused() =>
        Assert.Throws<ArgumentException>(() => SqlTool.Create(Options("DELETE FROM notes", ToolEffect.Unsafe) with { Probe = "DELETE FROM notes WHERE key = @idempotency_key" }));

    [Fact]
    public void Create_Schema_SaysWhatWasDeclared()
    {
        ToolDefinition tool = Read(
            "SELECT @a, @b, @c",
            new ToolParameter("a") { Description = "The A.", MinLength = 1, MaxLength = 5, Pattern = "^a", Format = "email", Enum = [JsonElement.Parse("\"ab\"")] },
            new ToolParameter("b", ToolParameterType.Integer) { Minimum = 1, Maximum = 9, Default = JsonElement.Parse("2") },
            new ToolParameter("c", ToolParameterType.Boolean) { Required = false });

        Assert.Equal(
            """{"type":"object","properties":{"a":{"description":"The A.","type":"string","enum":["ab"],"minLength":1,"maxLength":5,"pattern":"^a","format":"email"},"b":{"type":"integer","minimum":1,"maximum":9,"default":2},"c":{"type":["boolean","null"]}},"required":["a"],"additionalProperties":false}""",
            tool.Schema.GetRawText());
    }

    [Fact]
    public async Task Probe_EffectThere_SaysThatItHappened()
    {
        ToolDefinition tool = Noting(ToolEffect.Unsafe);

        Assert.Equal(ProbeResult.DidNotHappen, await tool.ProbeAsync("""{"text":"hi"}"""));
        await tool.CallAsync("""{"text":"hi"}""");
        Assert.Equal(ProbeResult.Happened("""{"rows":[{"id":1,"text":"hi"}],"count":1,"truncated":false}"""), await tool.ProbeAsync("""{"text":"hi"}"""));
        Assert.Equal(EffectOutcome.DidNotHappen, (await tool.ProbeAsync("""{"text":"hi"}""", Context("key-2"))).Outcome);
    }

    [Fact]
    public async Task Write_IdempotentAgainWithItsKey_GivesWhatIsThere()
    {
        ToolDefinition tool = Noting(ToolEffect.Idempotent);
        await tool.CallAsync("""{"text":"hi"}""");

        string again = await tool.CallAsync("""{"text":"hi"}""", Context() with { Attempt = 2 });
        Assert.Equal("""{"rows":[{"id":1,"text":"hi"}],"count":1,"truncated":false}""", again);
        Assert.Equal(1L, _database.Scalar("SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task Postgres_ReadsAndWrites_AsSqliteDoes()
    {
        SqlDatabase postgres = await PostgresAsync("t1");
        SqlToolOptions Tool(string sql, ToolEffect effect) => Options(sql, effect) with { Database = postgres };

        ToolDefinition read = SqlTool.Create(Tool("SELECT id, name, tags, at, price FROM t1 WHERE id = @id", ToolEffect.ReadOnly) with { Parameters = [new ToolParameter("id", ToolParameterType.Integer)] });
        Assert.Equal(
            """{"rows":[{"id":1,"name":"Ann","tags":["a","b"],"at":"2026-01-02T03:04:05.0000000Z","price":1.50}],"count":1,"truncated":false}""",
            await read.CallAsync("""{"id":1}"""));
        Assert.Equal("""{"changed":1,"rows":[{"id":2}],"count":1,"truncated":false}""", await SqlTool.Create(Tool("INSERT INTO t1(name) VALUES ('Bob') RETURNING id", ToolEffect.Unsafe)).CallAsync());
        Assert.Equal("""{"changed":2}""", await SqlTool.Create(Tool("UPDATE t1 SET name = 'x'", ToolEffect.Unsafe)).CallAsync());

        var error = await Assert.ThrowsAsync<ToolException>(() => SqlTool.Create(Tool("UPDATE t1 SET name = NULL", ToolEffect.Unsafe)).CallAsync());
        Assert.Contains("not-null", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("WITH a AS (INSERT INTO t2(name) VALUES ('x') RETURNING id) SELECT * FROM a")]
    [InlineData("SELECT * INTO t9 FROM t2")]
    [InlineData("SELECT set_config('transaction_read_only', 'off', false)")]
    [InlineData("SELECT nextval('t2_id_seq')")]
    [InlineData("EXPLAIN ANALYZE DELETE FROM t2")]
    [InlineData("SELECT id FROM t2 FOR UPDATE")]
    public async Task Postgres_ReadThatWrites_IsRefusedByTheDatabase(string sql)
    {
        SqlDatabase postgres = await PostgresAsync("t2");
        ToolDefinition tool = SqlTool.Create(Options(sql, ToolEffect.ReadOnly) with { Database = postgres });

        var error = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync());
        Assert.Contains("read-", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Postgres_ManyRows_AreCutAndTheConnectionGoesOn()
    {
        SqlDatabase postgres = await PostgresAsync("t3");
        ToolDefinition tool = SqlTool.Create(Options("SELECT generate_series(1, 1000000000) AS g", ToolEffect.ReadOnly) with { Database = postgres, MaxRows = 1 });

        for (int i = 0; i < 3; i++)
            Assert.Equal("""{"rows":[{"g":1}],"count":1,"truncated":true}""", await tool.CallAsync());
    }

    [Theory]
    [InlineData("repeat('x', 3000000)")]
    [InlineData("repeat('x', 3000000)::varchar")]
    [InlineData("jsonb_build_object('a', repeat('x', 3000000))")]
    [InlineData("json_build_object('a', repeat('x', 3000000))")]
    [InlineData("decode(repeat('00', 3000000), 'hex')")]
    [InlineData("array_fill('x'::text, ARRAY[300000])")]
    public async Task Postgres_CellBeyondTheBound_IsCutAndTheRowGoesOn(string cell)
    {
        SqlDatabase postgres = await PostgresAsync("t5");
        ToolDefinition tool = SqlTool.Create(Options($"SELECT 1 AS a, {cell} AS b, 2 AS c", ToolEffect.ReadOnly) with { Database = postgres, MaxBytes = 1_000 });

        string json = await tool.CallAsync();

        Assert.InRange(json.Length, 20, 1_600);
        Assert.True(JsonElement.Parse(json).GetProperty("truncated").GetBoolean());
        Assert.Equal(2, JsonElement.Parse(json).GetProperty("rows")[0].GetProperty("c").GetInt32());
    }

    [Fact]
    public async Task Postgres_CommitFails_TheExceptionPasses()
    {
        SqlDatabase postgres = await PostgresAsync("t4");
        ToolDefinition tool = SqlTool.Create(Options("UPDATE t4 SET parent = 99", ToolEffect.Unsafe) with { Database = postgres });
        await Assert.ThrowsAsync<PostgresException>(() => tool.CallAsync());
    }

    private static async Task<SqlDatabase> PostgresAsync(string table)
    {
        string connection = Requirement.Postgres().ConnectionString;
        await using var source = NpgsqlDataSource.Create(connection);
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            DROP TABLE IF EXISTS {table};
            CREATE TABLE {table} (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL, tags text[], at timestamptz, price numeric, parent int REFERENCES {table}(id) DEFERRABLE INITIALLY DEFERRED);
            INSERT INTO {table}(name, tags, at, price) VALUES ('Ann', '{"{a,b}"}', '2026-01-02 03:04:05+00', 1.50);
            """);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return new SqlDatabase(NpgsqlFactory.Instance, connection, SqlDialect.Postgres);
    }

    private ToolDefinition Noting(ToolEffect effect) => SqlTool.Create(Options("INSERT INTO notes(text, key) VALUES (@text, @idempotency_key)", effect) with
    {
        Parameters = [new ToolParameter("text")],
        Probe = "SELECT id, text FROM notes WHERE key = @idempotency_key",
    });

    private ToolDefinition Read(string sql, params IReadOnlyList<ToolParameter> parameters) => SqlTool.Create(Options(sql, ToolEffect.ReadOnly) with { Parameters = parameters });

    private ToolDefinition Write(string sql, params IReadOnlyList<ToolParameter> parameters) => SqlTool.Create(Options(sql, ToolEffect.Unsafe) with { Parameters = parameters });

    private SqlToolOptions Options(string sql, ToolEffect effect) => new() { Name = "sql", Description = "Does SQL.", Database = _database.Database, Statement = sql, Effect = effect };
}
