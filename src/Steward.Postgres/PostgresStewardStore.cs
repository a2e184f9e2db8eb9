using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Operations;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>The store of many nodes: everything in one PostgreSQL database, judged by its clock.</summary>
/// <remarks>
/// Nodes are alike: the holder of a run's epoch may append to it, and the database alone says who that is.
/// Nothing is acknowledged before its commit returned. A commit whose answer was lost is never made again by the store:
/// it throws <see cref="StoreFailure.Io"/>, and the session reads back.
/// </remarks>
public sealed class PostgresStewardStore
    : StewardStore, ITransactionalStore, IHintingStore, IDueRuns, IVerifiableStore, IRetentionStore, IDatabaseStore
{
    private readonly PostgresStoreOptions _options;
    private readonly Database _database;
    private readonly NodeCache _cache;
    private readonly AppendWriter _appends;
    private readonly StartWriter _starts;
    private readonly Hints? _hints;
    private readonly AcknowledgedHeads _heads = new();
    private readonly System.Collections.Concurrent.ConcurrentBag<DbDataSource> _beside = [];
    private string _lookedAt = "";
    private uint _lent;
    private string _listedAt = "";

    private PostgresStewardStore(PostgresStoreOptions options, Database database, ILogger logger)
        : base(options.Limits)
    {
        _options = options;
        _database = database;
        _cache = new NodeCache(database, options, logger);
        _appends = new AppendWriter(database, _cache, options);
        _starts = new StartWriter(database, _cache, options);
        _hints = options.Notify && (!options.Pooled || options.DirectConnectionString is not null) ? new Hints(database, logger) : null;
    }

    /// <summary>Opens the database and brings its schema up to date; several nodes may do so at once.</summary>
    /// <exception cref="StoreException">It cannot be reached or written, or its schema was made by a newer version.</exception>
    /// <exception cref="ArgumentException">The options contradict themselves.</exception>
    public static Task<PostgresStewardStore> OpenAsync(
        PostgresStoreOptions options,
        ILogger? logger = null,
        CancellationToken cancellationToken = default) =>
        OpenAsync(options, Schema.Migrations, logger, cancellationToken);

    /// <inheritdoc/>
    protected override async ValueTask<StartResult> StartCoreAsync(RunStart start, CancellationToken cancellationToken)
    {
        StartResult result = await _starts.CommitAsync(start, cancellationToken);
        _hints?.Send(start.SessionPolicy is SessionPolicy.Interrupt or SessionPolicy.Rollback ? null : result.Run);
        return result;
    }

    /// <inheritdoc/>
    protected override async ValueTask<SignalResult> SignalCoreAsync(Signal signal, byte[] body, CancellationToken cancellationToken)
    {
        SignalResult result = await _database.WriteAsync(tx => Inbox.PutAsync(tx, signal, body), cancellationToken);
        _hints?.Send(signal.Run);
        return result;
    }

    /// <inheritdoc/>
    protected override async ValueTask<IReadOnlyList<Claim>> ClaimCoreAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        (IReadOnlyList<Claim> claims, string looked) = await Claims.TakeAsync(_database, _cache, request, _lookedAt, cancellationToken);
        if (request.Run is null)
            _lookedAt = looked;
        return [.. claims.Select(_heads.Tell)];
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<RunId>> DueAsync(ClaimRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        (IReadOnlyList<RunId> runs, _listedAt) = await Claims.ListAsync(_database, _cache, request, _listedAt, cancellationToken);
        return runs;
    }

    /// <inheritdoc/>
    protected override async ValueTask<IReadOnlyList<Lease>> RenewCoreAsync(
        string worker,
        IReadOnlyCollection<Lease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken)
    {
        IReadOnlyList<Lease> held = await _database.WriteAsync(
            tx => Claims.RenewAsync(tx, worker, leases, duration, _options.TransactionTimeout), cancellationToken);
        foreach (Lease lost in leases.Except(held))
            _cache.Forget(lost.Run);
        return held;
    }

    /// <inheritdoc/>
    protected override async ValueTask<IReadOnlyList<RunAttention>> WatchCoreAsync(string worker, CancellationToken cancellationToken)
    {
        return await _database.ReadAsync(tx => Queries.WatchAsync(tx, worker), cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask<AppendResult> AppendCoreAsync(RunBatch batch, CancellationToken cancellationToken)
    {
        AppendResult result = await _appends.CommitAsync(batch, cancellationToken);
        if (result is not AppendResult.Committed)
            return result;
        _heads.Keep(batch);
        Tell(batch);
        return result;
    }

    /// <inheritdoc/>
    public async ValueTask<AppendResult> AppendAsync(
        Func<DbTransaction, CancellationToken, ValueTask<RunBatch>> work,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(work);
        (RunBatch? batch, AppendResult result) = await LentTransaction.RunAsync(
            _database, (int)(Interlocked.Increment(ref _lent) % AppendWriter.Parts), work, _options.Limits, cancellationToken);
        if (batch is null)
            return result;
        _cache.Forget(batch.Lease.Run);
        _heads.Keep(batch);
        Tell(batch);
        return result;
    }

    /// <inheritdoc/>
    protected override async IAsyncEnumerable<JournalEntry> ReadCoreAsync(
        RunId run,
        long after,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        AcknowledgedHeads.Head? acknowledged = _heads.Of(run);
        for (bool isEnd = false; !isEnd;)
        {
            (List<JournalEntry> page, isEnd) = await _database.ReadAsync(tx => Queries.PageAsync(tx, run, after), cancellationToken);
            foreach (JournalEntry entry in page)
            {
                yield return entry;
                after = entry.Sequence;
            }
        }

        if (AcknowledgedHeads.IsShort(after, acknowledged)
            && !await _database.ReadAsync(tx => FamilyRows.WasPrunedAsync(tx, run), cancellationToken))
            throw AcknowledgedHeads.ErrorOf(run, after, acknowledged!);
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId run, CancellationToken cancellationToken = default) =>
        await _database.ReadAsync(tx => Queries.InboxAsync(tx, run), cancellationToken);

    /// <inheritdoc/>
    protected override async ValueTask<IReadOnlyList<RunInfo>> FindCoreAsync(RunQuery query, CancellationToken cancellationToken)
    {
        return await _database.ReadAsync(tx => Queries.FindAsync(tx, query), cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask<DecisionResult> DecideCoreAsync(Decision decision, CancellationToken cancellationToken)
    {
        DecisionResult result = await _database.WriteAsync(tx => Questions.DecideAsync(tx, decision), cancellationToken);
        _hints?.Send(decision.Run);
        return result;
    }

    /// <inheritdoc/>
    protected override async ValueTask<DecisionResult> ReassignCoreAsync(Reassignment reassignment, CancellationToken cancellationToken)
    {
        DecisionResult result = await _database.WriteAsync(tx => Questions.ReassignAsync(tx, reassignment), cancellationToken);
        _hints?.Send(reassignment.Run);
        return result;
    }

    /// <inheritdoc/>
    protected override async ValueTask<IReadOnlyList<QuestionInfo>> QuestionsCoreAsync(
        QuestionQuery query,
        CancellationToken cancellationToken)
    {
        return await _database.ReadAsync(tx => Queries.QuestionsAsync(tx, query), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> AddFeedbackCoreAsync(Feedback feedback, CancellationToken cancellationToken)
    {
        return _database.WriteAsync(tx => FeedbackRows.KeepAsync(tx, feedback), cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask<IReadOnlyList<Feedback>> FeedbackCoreAsync(FeedbackQuery query, CancellationToken cancellationToken)
    {
        return await _database.ReadAsync(tx => Queries.FeedbackAsync(tx, query), cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask PutCoreAsync(Blob blob, CancellationToken cancellationToken)
    {
        SortedDictionary<string, byte[]> content = new(StringComparer.Ordinal) { [blob.Hash] = blob.Content.ToArray() };
        await _database.WriteAsync(
            async tx =>
            {
                await using RoundTrip trip = tx.RoundTrip();
                EventRows.Keep(trip, content);
                await trip.SendAsync();
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask<ReadOnlyMemory<byte>?> GetCoreAsync(string hash, CancellationToken cancellationToken)
    {
        byte[]? content = await _database.ReadAsync(tx => Queries.BlobAsync(tx, Convert.FromHexString(hash)), cancellationToken);
        return Verified(hash, content, _database.Name);
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> EngageCoreAsync(KillSwitch killSwitch, CancellationToken cancellationToken)
    {
        bool engaged = await _database.WriteAsync(tx => Switches.EngageAsync(tx, killSwitch), cancellationToken);
        _hints?.Send(null);
        return engaged;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> ReleaseCoreAsync(string scope, CancellationToken cancellationToken)
    {
        bool released = await _database.WriteAsync(tx => Switches.ReleaseAsync(tx, scope), cancellationToken);
        _hints?.Send(null);
        return released;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default) =>
        await _database.ReadAsync(Switches.AllAsync, cancellationToken);

    /// <inheritdoc/>
    protected override async ValueTask SetCeilingsCoreAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken)
    {
        await _database.WriteAsync(tx => Switches.SetCeilingsAsync(tx, scope, ceilings), cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask<IReadOnlyList<BudgetInfo>> BudgetsCoreAsync(
        string prefix,
        int limit,
        CancellationToken cancellationToken)
    {
        return await _database.ReadAsync(tx => Queries.BudgetsAsync(tx, prefix, limit), cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask SetLimitsCoreAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken)
    {
        await _database.WriteAsync(tx => Concurrency.SetAsync(tx, scope, limits), cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default) =>
        _database.ReadAsync(Concurrency.ListAsync, cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoreProblem>> VerifyAsync(RunId? run = null, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<StoreProblem> problems = await _database.ReadAsync(tx => Verification.RunAsync(tx, run), cancellationToken);
        return run is null ? [.. problems, .. await IndexCheck.RunAsync(_database, cancellationToken)] : problems;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RunHead> HeadsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (long? after = 0; after is { } last;)
        {
            (List<RunHead> page, after) = await _database.ReadAsync(tx => Verification.HeadsAsync(tx, last), cancellationToken);
            foreach (RunHead head in page)
                yield return head;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<EndedFamily> EndedAsync(
        RetentionQuery query,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        RetentionQuery.Check(query.OlderThan);
        for (long? after = 0; after is { } last;)
        {
            (List<EndedFamily> page, after) = await _database.ReadAsync(tx => Retention.PageAsync(tx, query, last), cancellationToken);
            foreach (EndedFamily family in page)
                yield return family;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<RunId>> PruneAsync(
        IReadOnlyCollection<RunId> roots,
        TimeSpan olderThan,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(roots);
        RetentionQuery.Check(olderThan);
        return roots.Count == 0 ? [] : await _database.WriteAsync(tx => Retention.PruneAsync(tx, roots, olderThan), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<BlobSweep> SweepBlobsAsync(bool apply, CancellationToken cancellationToken = default)
    {
        BlobPlan plan = await _database.ReadAsync(Sweep.LookAsync, cancellationToken);
        string[] due = [.. plan.Due.Select(blob => blob.Key)];
        if (!apply)
            return plan.Result(due);
        List<string> gone = [];
        foreach (string[] some in due.Chunk(BlobPlan.BatchSize))
            gone.AddRange(await _database.WriteAsync(tx => Sweep.DeleteAsync(tx, some), cancellationToken));
        foreach (string[] some in plan.New.Chunk(BlobPlan.BatchSize))
            await _database.WriteAsync(tx => Sweep.NoteAsync(tx, some), cancellationToken);
        foreach (string[] some in plan.Again.Chunk(BlobPlan.BatchSize))
            await _database.WriteAsync(tx => Sweep.TakeBackAsync(tx, some), cancellationToken);
        return plan.Result(gone);
    }

    /// <summary>What the server says of itself: version, clock, settings that make it forget, nodes.</summary>
    public async Task<PostgresServerInfo> DescribeAsync(CancellationToken cancellationToken = default) =>
        await _database.ReadAsync(PostgresServerInfo.ReadAsync, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<RunId?> HintsAsync(CancellationToken cancellationToken = default) =>
        _hints?.ListenAsync(cancellationToken) ?? AsyncEnumerable.Empty<RunId?>();

    /// <summary>Finishes what was begun and closes the connections; later calls throw <see cref="StoreFailure.Closed"/>.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _starts.DisposeAsync();
        await _appends.DisposeAsync();
        if (_hints is not null)
            await _hints.DisposeAsync();
        foreach (DbDataSource beside in _beside)
            await beside.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <inheritdoc/>
    string IDatabaseStore.Schema => _options.Schema;

    /// <inheritdoc/>
    DbDataSource IDatabaseStore.OpenBeside(string application, int most)
    {
        ArgumentException.ThrowIfNullOrEmpty(application);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        _database.ThrowIfClosed();
        if (_options.DataSource is { } given)
            return given;
        NpgsqlConnectionStringBuilder settings = new(_options.ConnectionString) { ApplicationName = application };
        settings.MaxPoolSize = Math.Min(settings.MaxPoolSize, most);
        settings.MinPoolSize = Math.Min(settings.MinPoolSize, settings.MaxPoolSize);
        NpgsqlDataSource beside = Database.Source(_options with { ConnectionString = settings.ConnectionString });
        _beside.Add(beside);
        return beside;
    }

    /// <summary>Tells the others of what an append leaves for them to do: the run itself, its children, those that it sent to.</summary>
    private void Tell(RunBatch batch)
    {
        if (_hints is null)
            return;
        if (batch.Release is not null || batch.Status.IsTerminal())
            _hints.Send(batch.Lease.Run);
        foreach (RunStart start in batch.Starts)
            _hints.Send(start.Run);
        foreach (Signal signal in batch.Sends)
            _hints.Send(signal.Run);
    }

    internal static async Task<PostgresStewardStore> OpenAsync(
        PostgresStoreOptions options,
        IReadOnlyList<Migration> migrations,
        ILogger? logger = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        logger ??= NullLogger.Instance;
        Database database = new(options, logger);
        try
        {
            await Schema.MigrateAsync(database, migrations, logger, cancellationToken);
            await Schema.CheckSettingsAsync(database, logger, cancellationToken);
            return new PostgresStewardStore(options, database, logger);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }
}
