using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Steward.Journal;
using Steward.Sqlite.Operations;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite;

/// <summary>The embedded store: everything in one SQLite file, which several processes of one machine may share.</summary>
/// <remarks>
/// One thread writes, and what queues up while it commits shares the next commit. Readers have their own connections.
/// Nothing is acknowledged before its commit returned. Beside the file a witness keeps the heads that were acknowledged. A run that goes
/// less far in the database (an older copy, a garbled log) is refused, instead of silently going on from its past.
/// </remarks>
public sealed class SqliteStewardStore : StewardStore, IVerifiableStore, IRetentionStore
{
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(5);

    private readonly SqliteStoreOptions _options;
    private readonly SqliteFile _file;
    private readonly Writer _writer;
    private readonly TimeProvider _time;
    private readonly ITimer _idle;
    private long _commitsSeen;
    private bool _logEmpty = true;

    private SqliteStewardStore(SqliteStoreOptions options, SqliteFile file, TimeProvider time, ILogger logger)
        : base(options.Limits)
    {
        _options = options;
        _file = file;
        _writer = new Writer(file, options, logger);
        _time = time;
        _idle = time.CreateTimer(static store => ((SqliteStewardStore)store!).EmptyLogWhenIdle(), this, s_idle, s_idle);
    }

    internal SqliteFile File => _file;

    internal long Commits => _writer.Commits;

    /// <summary>Opens the database, makes it if it is not there, and brings its schema up to date.</summary>
    /// <exception cref="StoreException">It cannot be opened or written, is damaged, or was made by a newer version.</exception>
    public static Task<SqliteStewardStore> OpenAsync(
        SqliteStoreOptions options,
        TimeProvider time,
        ILogger? logger = null,
        CancellationToken cancellationToken = default) =>
        OpenAsync(options, Schema.Migrations, time, logger, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<StartResult> StartCoreAsync(RunStart start, CancellationToken cancellationToken)
    {
        return _writer.DoAsync(session => Starts.Run(session, start), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<SignalResult> SignalCoreAsync(Signal signal, byte[] body, CancellationToken cancellationToken)
    {
        return _writer.DoAsync(session => Inbox.Put(session, signal, body), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<Claim>> ClaimCoreAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        return _writer.DoAsync(session => Claims.Take(session, request), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<Lease>> RenewCoreAsync(
        string worker,
        IReadOnlyCollection<Lease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken)
    {
        if (leases.Count == 0)
            return new([]); // An idle worker writes nothing.
        return _writer.DoAsync(session => Claims.Renew(session, worker, leases, duration), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<RunAttention>> WatchCoreAsync(string worker, CancellationToken cancellationToken)
    {
        return Read<IReadOnlyList<RunAttention>>(db => Queries.Watch(db, worker), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<AppendResult> AppendCoreAsync(RunBatch batch, CancellationToken cancellationToken)
    {
        return _writer.DoAsync(session => Append.Run(session, batch), cancellationToken);
    }

    /// <inheritdoc/>
    protected override async IAsyncEnumerable<JournalEntry> ReadCoreAsync(
        RunId run,
        long after,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            List<JournalEntry> page = await Read(db => Queries.Page(db, run, after), cancellationToken);
            if (page.Count == 0)
                yield break;
            foreach (JournalEntry entry in page)
                yield return entry;
            after = page[^1].Sequence;
        }
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId run, CancellationToken cancellationToken = default) =>
        Read<IReadOnlyList<Signal>>(db => Queries.Inbox(db, run), cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<RunInfo>> FindCoreAsync(RunQuery query, CancellationToken cancellationToken)
    {
        return Read<IReadOnlyList<RunInfo>>(db => Queries.Find(db, query), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<DecisionResult> DecideCoreAsync(Decision decision, CancellationToken cancellationToken)
    {
        return _writer.DoAsync(session => Questions.Decide(session, decision), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<DecisionResult> ReassignCoreAsync(Reassignment reassignment, CancellationToken cancellationToken)
    {
        return _writer.DoAsync(session => Questions.Reassign(session, reassignment), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<QuestionInfo>> QuestionsCoreAsync(QuestionQuery query, CancellationToken cancellationToken)
    {
        return Read<IReadOnlyList<QuestionInfo>>(db => Queries.Questions(db, query), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> AddFeedbackCoreAsync(Feedback feedback, CancellationToken cancellationToken)
    {
        return _writer.DoAsync(session => Append.Keep(session, feedback), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<Feedback>> FeedbackCoreAsync(FeedbackQuery query, CancellationToken cancellationToken)
    {
        return Read<IReadOnlyList<Feedback>>(db => Queries.Feedback(db, query), cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask PutCoreAsync(Blob blob, CancellationToken cancellationToken)
    {
        byte[] hash = Convert.FromHexString(blob.Hash);
        await _writer.DoAsync(
            session =>
            {
                session.Blobs.Put(hash, blob.Content.Span);
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask<ReadOnlyMemory<byte>?> GetCoreAsync(string hash, CancellationToken cancellationToken)
    {
        byte[]? content = await Read(db => Queries.Blob(db, Convert.FromHexString(hash)), cancellationToken);
        return Verified(hash, content, _options.Path);
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> EngageCoreAsync(KillSwitch killSwitch, CancellationToken cancellationToken)
    {
        return _writer.DoAsync(session => Switches.Engage(session, killSwitch), cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> ReleaseCoreAsync(string scope, CancellationToken cancellationToken)
    {
        return _writer.DoAsync(session => Switches.Release(session, scope), cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default) =>
        Read<IReadOnlyList<KillSwitch>>(Queries.Switches, cancellationToken);

    /// <inheritdoc/>
    protected override async ValueTask SetCeilingsCoreAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken)
    {
        await _writer.DoAsync(
            session =>
            {
                session.Budgets.SetCeilings(scope, ceilings);
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<BudgetInfo>> BudgetsCoreAsync(string prefix, int limit, CancellationToken cancellationToken)
    {
        return Read<IReadOnlyList<BudgetInfo>>(db => Queries.Budgets(db, prefix, limit), cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask SetLimitsCoreAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken)
    {
        await _writer.DoAsync(
            session =>
            {
                session.ChangeLimits().Set(scope, limits);
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default) =>
        Read(db => Queries.Limits(db, Tables.Instant.Of(_time.GetUtcNow())), cancellationToken);

    /// <summary>Checks everything that can be checked, of one run or of all: chains,
    /// gaps, heads, payloads, blobs, the file itself, and what the witness saw.</summary>
    /// <remarks>Reads every byte of a snapshot, while others go on writing.</remarks>
    /// <returns>What is wrong; empty when nothing is.</returns>
    public Task<IReadOnlyList<StoreProblem>> VerifyAsync(RunId? run = null, CancellationToken cancellationToken = default) =>
        Task.Run<IReadOnlyList<StoreProblem>>(
            () => _file.Readers.Read(db => Verification.Check(db, run, cancellationToken)), cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<RunHead> HeadsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (long? after = 0; after is { } last;)
        {
            (List<RunHead> page, after) = await Read(db => Verification.Heads(db, last), cancellationToken);
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
        long before = Instant.Of(_time.GetUtcNow() - query.OlderThan);
        for (long? after = 0; after is { } last;)
        {
            (List<EndedFamily> page, after) = await Read(db => Retention.Page(db, query, before, last), cancellationToken);
            foreach (EndedFamily family in page)
                yield return family;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<RunId>> PruneAsync(
        IReadOnlyCollection<RunId> roots,
        TimeSpan olderThan,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(roots);
        RetentionQuery.Check(olderThan);
        return _writer.DoAsync(session => Retention.Prune(session, roots, olderThan), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<BlobSweep> SweepBlobsAsync(bool apply, CancellationToken cancellationToken = default)
    {
        long before = Instant.Of(_time.GetUtcNow() - BlobSweep.Grace);
        BlobPlan plan = await Task.Run(() => _file.Readers.Read(db => Sweep.Look(db, before, cancellationToken)), cancellationToken);
        string[] due = [.. plan.Due.Select(blob => blob.Key)];
        if (!apply)
            return plan.Result(due);
        List<string> gone = [];
        foreach (string[] some in due.Chunk(BlobPlan.BatchSize))
            gone.AddRange(await _writer.DoAsync(session => Sweep.Delete(session, some, before), cancellationToken));
        foreach (string[] some in plan.New.Chunk(BlobPlan.BatchSize))
            await _writer.DoAsync(session => Sweep.Note(session, some), cancellationToken);
        foreach (string[] some in plan.Again.Chunk(BlobPlan.BatchSize))
            await _writer.DoAsync(session => Sweep.TakeBack(session, some), cancellationToken);
        return plan.Result(gone);
    }

    /// <summary>Finishes what was begun and closes the file; later calls throw <see cref="StoreFailure.Closed"/>.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _idle.DisposeAsync();
        await _writer.DisposeAsync();
    }

    internal static Task<SqliteStewardStore> OpenAsync(
        SqliteStoreOptions options,
        IReadOnlyList<Migration> migrations,
        TimeProvider time,
        ILogger? logger = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentException.ThrowIfNullOrEmpty(options.Path);
        options.Check();
        logger ??= NullLogger.Instance;

        // Opening may wait for another process and check a long witness: not on the caller's thread.
        return Task.Run(
            () =>
            {
                SqliteFile file = new(options, migrations, time, logger);
                file.Open();
                return new SqliteStewardStore(options, file, time, logger);
            },
            cancellationToken);
    }

    /// <summary>Reading blocks for as long as the disk takes, so it counts as synchronous work on the caller's thread.</summary>
    private ValueTask<T> Read<T>(Func<Data.Db, T> query, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(_file.Readers.Read(query));
    }

    private void EmptyLogWhenIdle()
    {
        long commits = _writer.Commits;
        bool idle = commits == _commitsSeen;
        _commitsSeen = commits;
        if (!idle)
            _logEmpty = false;
        if (!idle || _logEmpty)
            return;
        _logEmpty = true;
        _commitsSeen = commits + 1;
        _ = EmptyLogAsync();
    }

    private async Task EmptyLogAsync()
    {
        try
        {
            await _writer.DoAsync(static session => session.WantsTruncatedLog = true, CancellationToken.None);
        }
        catch (StoreException)
        {
            // Closed meanwhile, or busy: the log is emptied at the next chance.
        }
    }
}
