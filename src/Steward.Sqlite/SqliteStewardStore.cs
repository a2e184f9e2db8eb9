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
/// Nothing is acknowledged before its commit returned. Beside the file a witness keeps the heads that were acknowledged, so that a
/// run of which the database holds less (an older copy, a garbled log) is refused instead of silently going on from its past.
/// </remarks>
public sealed class SqliteStewardStore : IStewardStore, IVerifiableStore, IRetentionStore
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
    public static Task<SqliteStewardStore> OpenAsync(SqliteStoreOptions options, TimeProvider time, ILogger? logger = null, CancellationToken cancellationToken = default) =>
        OpenAsync(options, Schema.Migrations, time, logger, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<StartResult> StartAsync(RunStart start, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        Gate.CheckShape(start, _options.Limits);
        return _writer.DoAsync(session => Starts.Run(session, start), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<SignalResult> SignalAsync(Signal signal, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(signal);
        byte[] body = StoreJson.Write(signal.Body);
        if (body.Length > _options.Limits.Payload)
            throw new StoreException(StoreFailure.TooLarge, $"Signal '{signal.Id}' has {body.Length} bytes; the limit is {_options.Limits.Payload} (StoreLimits.Payload). Send less, or raise the limit.");
        return _writer.DoAsync(session => Inbox.Put(session, signal, body), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Claim>> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        return _writer.DoAsync(session => Claims.Take(session, request), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Lease>> RenewAsync(string worker, IReadOnlyCollection<Lease> leases, TimeSpan duration, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(worker);
        ArgumentNullException.ThrowIfNull(leases);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        if (leases.Count == 0)
            return new([]); // An idle worker writes nothing.
        return _writer.DoAsync(session => Claims.Renew(session, worker, leases, duration), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<RunAttention>> WatchAsync(string worker, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(worker);
        return Read<IReadOnlyList<RunAttention>>(db => Queries.Watch(db, worker), cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="JournalException">The entries do not continue the run's chain, or the database holds less of the run than was acknowledged.</exception>
    /// <exception cref="StoreException">The store cannot take it: full, read-only, damaged, or gone.</exception>
    public ValueTask<AppendResult> AppendAsync(RunBatch batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Gate.CheckShape(batch, _options.Limits);
        return _writer.DoAsync(session => Append.Run(session, batch), cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="JournalException">An entry is missing from the journal.</exception>
    public async IAsyncEnumerable<JournalEntry> ReadAsync(RunId run, long after = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
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
    public ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId run, CancellationToken cancellationToken = default) =>
        Read<IReadOnlyList<Signal>>(db => Queries.Inbox(db, run), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<RunInfo>> FindAsync(RunQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        return Read<IReadOnlyList<RunInfo>>(db => Queries.Find(db, query), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<DecisionResult> DecideAsync(Decision decision, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(decision);
        ArgumentException.ThrowIfNullOrEmpty(decision.Id);
        return _writer.DoAsync(session => Questions.Decide(session, decision), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<DecisionResult> ReassignAsync(Reassignment reassignment, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reassignment);
        ArgumentException.ThrowIfNullOrEmpty(reassignment.Id);
        return _writer.DoAsync(session => Questions.Reassign(session, reassignment), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<QuestionInfo>> QuestionsAsync(QuestionQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        return Read<IReadOnlyList<QuestionInfo>>(db => Queries.Questions(db, query), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<bool> AddFeedbackAsync(Feedback feedback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        ArgumentException.ThrowIfNullOrEmpty(feedback.Id);
        return _writer.DoAsync(session => Append.Keep(session, feedback), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Feedback>> FeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        return Read<IReadOnlyList<Feedback>>(db => Queries.Feedback(db, query), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask PutAsync(Blob blob, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(blob);
        Gate.CheckShape(blob, _options.Limits);
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
    /// <exception cref="StoreException">The content does not have its hash any more.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(string hash, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(hash);
        if (!Blob.IsHash(hash))
            return null;
        byte[]? content = await Read(db => Queries.Blob(db, Convert.FromHexString(hash)), cancellationToken);
        if (content is null)
            return null;
        return Blob.Of(content).Hash == hash
            ? content
            : throw new StoreException(StoreFailure.Corrupt, $"The content of blob '{hash}' in '{_options.Path}' does not have that SHA-256: it was edited or damaged. Restore it from a backup, then run 'steward doctor'.");
    }

    /// <inheritdoc/>
    public ValueTask<bool> EngageAsync(KillSwitch killSwitch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(killSwitch);
        KillSwitch parsed = killSwitch with { Scope = KillSwitch.ParseScope(killSwitch.Scope) };
        return _writer.DoAsync(session => Switches.Engage(session, parsed), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<bool> ReleaseAsync(string scope, CancellationToken cancellationToken = default)
    {
        string parsed = KillSwitch.ParseScope(scope);
        return _writer.DoAsync(session => Switches.Release(session, parsed), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default) =>
        Read<IReadOnlyList<KillSwitch>>(Queries.Switches, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask SetCeilingsAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ceilings);
        if (scope.CeilingScope != scope)
            throw new ArgumentException($"'{scope}' takes its ceilings from '{scope.CeilingScope}'; set them there.", nameof(scope));
        await _writer.DoAsync(
            session =>
            {
                session.Budgets.SetCeilings(scope, ceilings);
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<BudgetInfo>> BudgetsAsync(string prefix = "", int limit = 1_000, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        return Read<IReadOnlyList<BudgetInfo>>(db => Queries.Budgets(db, prefix, limit), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask SetLimitsAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(limits);
        limits.Check(scope);
        await _writer.DoAsync(
            session =>
            {
                session.ChangeLimits().Set(scope, limits);
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default) =>
        Read(db => Queries.Limits(db, Tables.Instant.Of(_time.GetUtcNow())), cancellationToken);

    /// <summary>Checks everything that can be checked, of one run or of all: chains, gaps, heads, payloads, blobs, the file itself, and what the witness saw.</summary>
    /// <remarks>Reads every byte of a snapshot, while others go on writing.</remarks>
    /// <returns>What is wrong; empty when nothing is.</returns>
    public Task<IReadOnlyList<StoreProblem>> VerifyAsync(RunId? run = null, CancellationToken cancellationToken = default) =>
        Task.Run<IReadOnlyList<StoreProblem>>(() => _file.Readers.Read(db => Verification.Check(db, run, cancellationToken)), cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<EndedFamily> EndedAsync(RetentionQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
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
    public ValueTask<IReadOnlyList<RunId>> PruneAsync(IReadOnlyCollection<RunId> roots, TimeSpan olderThan, CancellationToken cancellationToken = default)
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
    public async ValueTask DisposeAsync()
    {
        await _idle.DisposeAsync();
        await _writer.DisposeAsync();
    }

    internal static Task<SqliteStewardStore> OpenAsync(SqliteStoreOptions options, IReadOnlyList<Migration> migrations, TimeProvider time, ILogger? logger = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentException.ThrowIfNullOrEmpty(options.Path);
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
