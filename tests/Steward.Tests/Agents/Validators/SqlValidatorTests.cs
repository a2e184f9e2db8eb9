using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Tests.Tools;
using static Steward.Tests.Agents.Validators.Validation;

namespace Steward.Tests.Agents.Validators;

public sealed class SqlValidatorTests : IDisposable
{
    private readonly SqliteTestDatabase _database = new("""
        CREATE TABLE sent (user_id TEXT, text TEXT, ok INTEGER, tenant TEXT, cost REAL);
        INSERT INTO sent VALUES ('u1', 'hi', 1, 'acme', 0.5), ('u2', 'ho', 0, 'acme', 0.5), ('u3', 'no', 1, 'other', 0.5);
        """);

    public void Dispose() => _database.Dispose();

    [Theory]
    [InlineData(2, null, null, Verdict.Passed)]
    [InlineData(1, null, null, Verdict.Failed)]
    [InlineData(3, null, null, Verdict.Failed)]
    [InlineData(null, 1, null, Verdict.Passed)]
    [InlineData(null, 3, null, Verdict.Failed)]
    [InlineData(null, null, 2, Verdict.Passed)]
    [InlineData(null, null, 1, Verdict.Failed)]
    [InlineData(null, null, 0, Verdict.Failed)]
    [InlineData(null, 0, 5, Verdict.Passed)]
    public async Task Rows_Count_DecidesTheVerdict(int? exactly, int? atLeast, int? atMost, Verdict verdict)
    {
        Finding finding = await Make("SELECT * FROM sent WHERE tenant = @tenant", rows: new() { Exactly = exactly, AtLeast = atLeast, AtMost = atMost }).LookAsync();

        Assert.Equal(verdict, finding.Verdict);
        Assert.Contains("@tenant = \"acme\"", finding.Evidence, StringComparison.Ordinal);
        Assert.Contains("expected", finding.Evidence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"text":"hi","ok":true,"cost":0.50}""", Verdict.Passed)]
    [InlineData("""{"text":"hi","ok":1}""", Verdict.Passed)]
    [InlineData("""{"ok":false}""", Verdict.Failed)]
    [InlineData("""{"text":null}""", Verdict.Failed)]
    [InlineData("""{"nothing":1}""", Verdict.Inconclusive)]
    public async Task FirstRow_Values_DecideTheVerdict(string expected, Verdict verdict)
    {
        Finding finding = await Make("SELECT * FROM sent WHERE user_id = @answer", first: expected).LookAsync("u1");
        Assert.Equal(verdict, finding.Verdict);
        Assert.Contains("\"text\":\"hi\"", finding.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FirstRow_NoRow_Fails() =>
        Assert.Equal(Verdict.Failed, (await Make("SELECT * FROM sent WHERE user_id = @answer", first: """{"ok":1}""").LookAsync("u9")).Verdict);

    [Theory]
    [InlineData("u1", Verdict.Passed)]
    [InlineData("u9", Verdict.Failed)]
    public async Task Captures_ArgumentOfACall_IsAParameter(string user, Verdict verdict)
    {
        Finding finding = await Captured().LookAsync("", Call("send_notification", $$"""{"to":{"user_id":"{{user}}"} }"""));
        Assert.Equal(verdict, finding.Verdict);
        Assert.Contains($"@user_id = \"{user}\"", finding.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Captures_SeveralCalls_MustEachHold()
    {
        CompletedCall good = Call("send_notification", """{"to":{"user_id":"u1"}}""");
        CompletedCall bad = Call("send_notification", """{"to":{"user_id":"u9"}}""");

        Assert.Equal(Verdict.Passed, (await Captured().LookAsync("", good, good)).Verdict);
        Assert.Equal(Verdict.Failed, (await Captured().LookAsync("", bad, good)).Verdict);
    }

    [Fact]
    public async Task Captures_NoSuccessfulCall_Fails()
    {
        Finding finding = await Captured().LookAsync("", Call("send_notification", """{"to":{"user_id":"u1"}}""", isError: true));
        Assert.Equal(Verdict.Failed, finding.Verdict);
        Assert.Contains("never called successfully", finding.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Statement_ThatWrites_IsRefusedByTheDatabase()
    {
        Finding finding = await Make("WITH a AS (SELECT 1) DELETE FROM sent", rows: new() { AtLeast = 0 }).LookAsync();
        Assert.Equal(Verdict.Inconclusive, finding.Verdict);
        Assert.Equal(Verdict.Passed, (await Make("SELECT * FROM sent", rows: new() { Exactly = 3 }).LookAsync()).Verdict);
    }

    [Fact]
    public void Description_NamesStatementAndExpectation() =>
        Assert.Equal(
            "The database proves it: SELECT * FROM sent WHERE user_id = @user_id gives at least 1 rows, for each call of send_notification with @user_id = call.send_notification.to.user_id.",
            Captured().Description);

    [Theory]
    [InlineData("DELETE FROM sent", "{}")]
    [InlineData("SELECT @nobody", "{}")]
    [InlineData("SELECT 1", """{"a":"call.t.a"}""")]
    [InlineData("SELECT @a", """{"a":"t.a"}""")]
    [InlineData("SELECT @a, @b", """{"a":"call.t.a","b":"call.u.b"}""")]
    [InlineData("SELECT @tenant", """{"tenant":"call.t.a"}""")]
    public void Constructor_Mistake_IsRefused(string sql, string captures) =>
        Assert.Throws<ArgumentException>(() => Make(sql, rows: new() { AtLeast = 1 }, captures: JsonSerializer.Deserialize<Dictionary<string, string>>(captures)));

    [Fact]
    public void Constructor_NothingExpected_IsRefused() => Assert.Throws<ArgumentException>(() => Make("SELECT 1"));

    private SqlValidator Captured() =>
        Make("SELECT * FROM sent WHERE user_id = @user_id", rows: new() { AtLeast = 1 }, captures: new() { ["user_id"] = "call.send_notification.to.user_id" });

    private SqlValidator Make(string sql, Bounds? rows = null, string? first = null, Dictionary<string, string>? captures = null) => new(new()
    {
        Name = "sql",
        Database = _database.Database,
        Statement = sql,
        Rows = rows ?? new(),
        FirstRow = first is null ? new Dictionary<string, JsonElement>() : JsonElement.Parse(first).EnumerateObject().ToDictionary(p => p.Name, p => p.Value),
        Captures = captures ?? [],
    });
}
