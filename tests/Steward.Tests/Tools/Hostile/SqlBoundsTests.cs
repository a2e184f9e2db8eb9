using System.Text.Json;
using Steward.Journal;
using Steward.Tools;
using Steward.Tools.Declarative;
using static Steward.Tests.Tools.ToolContexts;

namespace Steward.Tests.Tools.Hostile;

/// <summary>Statements that do not end, and cells that do not fit.</summary>
public sealed class SqlBoundsTests : IDisposable
{
    private const string Endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n";

    private readonly SqliteTestDatabase _database = new("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'before');");

    public void Dispose() => _database.Dispose();

    [Fact]
    public async Task Read_EndlessStatement_IsInterruptedByItsCancel()
    {
        ToolDefinition tool = SqlTool.Create(Options(Endless));
        using var cancel = new CancellationTokenSource();
        Task call = Task.Run(() => tool.Handler(Context(), JsonElement.Parse("{}"), cancel.Token).AsTask(), TestContext.Current.CancellationToken);
        await Task.WhenAny(call, Task.Delay(100, TestContext.Current.CancellationToken));
        Assert.False(call.IsCompleted);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Write_EndlessStatement_IsInterruptedAndSurelyDidNothing()
    {
        ToolDefinition tool = SqlTool.Create(Options($"UPDATE t SET v = ({Endless}) WHERE id = 1") with { Effect = ToolEffect.Unsafe });
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        Task call = Task.Run(() => tool.Handler(Context(), JsonElement.Parse("{}"), cancel.Token).AsTask(), TestContext.Current.CancellationToken);

        ToolException e = await Assert.ThrowsAsync<ToolException>(() => call.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));

        Assert.Contains("nothing was changed", e.Message, StringComparison.Ordinal);
        Assert.Equal("before", _database.Scalar("SELECT v FROM t"));
    }

    [Fact]
    public async Task Write_FileHeldByAnother_HearsItsCancel()
    {
        ToolDefinition tool = SqlTool.Create(Options("UPDATE t SET v = 'mine' WHERE id = 1") with { Effect = ToolEffect.Unsafe });
        using var other = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(_database.Folder, "test.sqlite")};Pooling=False");
        other.Open();
        using Microsoft.Data.Sqlite.SqliteTransaction held = other.BeginTransaction();
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));

        // Without the cancel it would wait for the lock as long as the tool may.
        await Assert.ThrowsAsync<ToolException>(() => Task.Run(
            () => tool.Handler(Context(), JsonElement.Parse("{}"), cancel.Token).AsTask(), TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("SELECT 1 AS a, hex(zeroblob(100000)) AS b, 2 AS c")]
    [InlineData("SELECT 1 AS a, zeroblob(200000) AS b, 2 AS c")]
    public async Task Read_CellBeyondTheBound_IsCut(string sql)
    {
        ToolDefinition tool = SqlTool.Create(Options(sql) with { MaxBytes = 1_000 });

        string json = await tool.CallAsync();

        Assert.InRange(json.Length, 1_000, 1_500);
        Assert.True(JsonElement.Parse(json).GetProperty("truncated").GetBoolean());
        Assert.Equal(2, JsonElement.Parse(json).GetProperty("rows")[0].GetProperty("c").GetInt32());
    }

    [Fact]
    public async Task Read_CellOfHalfAGigabyte_TakesNoMemoryForIt()
    {
        ToolDefinition tool = SqlTool.Create(Options("SELECT zeroblob(500000000) AS b") with { MaxBytes = 1_000 });
        long before = GC.GetTotalAllocatedBytes();

        ToolException e = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync());

        Assert.Contains("larger than", e.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 50_000_000);
    }

    private SqlToolOptions Options(string statement) =>
        new() { Name = "t", Description = "x", Database = _database.Database, Statement = statement };
}
