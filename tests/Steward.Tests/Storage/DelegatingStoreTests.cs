using System.Data.Common;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Testing;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Storage;

public sealed class DelegatingStoreTests
{
    private readonly ManualTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetService_DecoratedTwice_FindsEachOptionalContractOfTheInnermost()
    {
        await using CapableStore inner = new(new InMemoryStewardStore(_time));
        IStewardStore decorated = new DelegatingStore(new FaultyStore(inner));

        Assert.Same(inner, decorated.GetService<IVerifiableStore>());
        Assert.Same(inner, decorated.GetService<IRetentionStore>());
        Assert.Same(inner, decorated.GetService<IHintingStore>());
        Assert.Same(inner, decorated.GetService<IDueRuns>());
        Assert.Same(inner, decorated.GetService<IDatabaseStore>());
        Assert.Same(inner, new DelegatingStore(inner).GetService<ITransactionalStore>());
        Assert.Same(inner, decorated.GetService<CapableStore>());
        Assert.Same(decorated, decorated.GetService<IStewardStore>());
    }

    [Fact]
    public async Task GetService_NobodyHasIt_IsNull()
    {
        await using var inner = new InMemoryStewardStore(_time);
        IStewardStore decorated = new DelegatingStore(inner);

        Assert.Null(decorated.GetService<IRetentionStore>());
        Assert.Null(decorated.GetService<InMemoryStewardStore>(key: "another"));
        Assert.Same(inner, decorated.GetService<InMemoryStewardStore>());
    }

    [Fact]
    public async Task TransactionalTool_ThroughADecorator_WritesInTheLentTransaction()
    {
        await using LendingStore lending = await LendingStore.OpenAsync(new InMemoryStewardStore(_time), Token);
        await using Harness harness = new(new DelegatingStore(lending), Script(Calls_(("pay", new { })), Says("paid")), Harness.Agent(lending.Pay()).Build());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, "paid"), (result.Status, result.Output));
        Assert.Equal(1, await lending.PaidAsync(Token));
    }

    [Fact]
    public async Task FaultyStore_LentTransaction_CountsAndFailsLikeAnyAppend()
    {
        await using LendingStore lending = await LendingStore.OpenAsync(new InMemoryStewardStore(_time), Token);
        var faulty = new FaultyStore(lending) { FailAt = 1 };

        StoreException failed = await Assert.ThrowsAsync<StoreException>(async () => await faulty.GetService<ITransactionalStore>()!.AppendAsync((_, _) => throw new InvalidOperationException("It came through."), Token));

        Assert.Equal((StoreFailure.Io, nameof(IRunStore.AppendAsync)), (failed.Failure, faulty.Failed));
    }

    /// <summary>Lends transactions of a database beside an inner store, committed when the append is.</summary>
    private sealed class LendingStore(IStewardStore inner, SqliteConnection connection) : DelegatingStore(inner), ITransactionalStore
    {
        public static async Task<LendingStore> OpenAsync(IStewardStore inner, CancellationToken cancellationToken)
        {
            SqliteConnection connection = new("Data Source=:memory:");
            await connection.OpenAsync(cancellationToken);
            await using SqliteCommand create = connection.CreateCommand();
            create.CommandText = "CREATE TABLE paid (n)";
            await create.ExecuteNonQueryAsync(cancellationToken);
            return new LendingStore(inner, connection);
        }

        public ToolDefinition Pay() => new("pay", "Pays.", JsonElement.Parse("""{"type":"object"}"""), async (context, _, cancellationToken) =>
        {
            await using DbCommand insert = context.Transaction!.Connection!.CreateCommand();
            (insert.CommandText, insert.Transaction) = ("INSERT INTO paid VALUES (1)", context.Transaction);
            await insert.ExecuteNonQueryAsync(cancellationToken);
            return new ToolOutput("paid");
        })
        { Effect = ToolEffect.Transactional };

        public async Task<long> PaidAsync(CancellationToken cancellationToken)
        {
            await using SqliteCommand count = connection.CreateCommand();
            count.CommandText = "SELECT count(*) FROM paid";
            return (long)(await count.ExecuteScalarAsync(cancellationToken))!;
        }

        public async ValueTask<AppendResult> AppendAsync(Func<DbTransaction, CancellationToken, ValueTask<RunBatch>> work, CancellationToken cancellationToken = default)
        {
            await using DbTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
            AppendResult result = await AppendAsync(await work(transaction, cancellationToken), cancellationToken);
            if (result is AppendResult.Committed)
                await transaction.CommitAsync(cancellationToken);
            return result;
        }

        public override async ValueTask DisposeAsync()
        {
            await connection.DisposeAsync();
            await base.DisposeAsync();
        }
    }

    /// <summary>Has every optional contract, and is asked for none of them.</summary>
    private sealed class CapableStore(IStewardStore inner) : DelegatingStore(inner), ITransactionalStore, IVerifiableStore, IRetentionStore, IHintingStore, IDueRuns, IDatabaseStore
    {
        public string Schema => throw new NotSupportedException();

        public ValueTask<AppendResult> AppendAsync(Func<DbTransaction, CancellationToken, ValueTask<RunBatch>> work, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<IReadOnlyList<StoreProblem>> VerifyAsync(RunId? run = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public IAsyncEnumerable<RunHead> HeadsAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public IAsyncEnumerable<EndedFamily> EndedAsync(RetentionQuery query, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<RunId>> PruneAsync(IReadOnlyCollection<RunId> roots, TimeSpan olderThan, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<BlobSweep> SweepBlobsAsync(bool apply, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public IAsyncEnumerable<RunId?> HintsAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<RunId>> DueAsync(ClaimRequest request, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public DbDataSource OpenBeside(string application, int most) => throw new NotSupportedException();
    }
}
