using Steward.Journal;

namespace Steward.Storage;

/// <summary>What all stores do alike: each argument and size is checked here, once, before a store sees it.</summary>
/// <remarks>So a refusal has one wording whatever the database, and a store holds only what differs: rows, transactions, locks.</remarks>
/// <param name="limits">What the store takes at most.</param>
public abstract class StewardStore(StoreLimits limits) : IStewardStore
{
    private readonly StoreLimits _limits = Checked(limits);

    /// <inheritdoc/>
    public virtual object? GetService(Type serviceType, object? key = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (key is not null)
            return null;
        return serviceType == typeof(StoreLimits) ? _limits : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    public ValueTask<StartResult> StartAsync(RunStart start, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        cancellationToken.ThrowIfCancellationRequested();
        Gate.CheckShape(start, _limits);
        InputRules.Check(start);
        return StartCoreAsync(start, cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="StoreException">The signal is larger than the limits allow.</exception>
    public ValueTask<SignalResult> SignalAsync(Signal signal, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(signal);
        cancellationToken.ThrowIfCancellationRequested();
        InputRules.Check(signal);
        byte[] body = StoreJson.Write(signal.Body);
        _limits.Check(signal, body.Length);
        return SignalCoreAsync(signal, body, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Claim>> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        return ClaimCoreAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Lease>> RenewAsync(
        string worker,
        IReadOnlyCollection<Lease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(worker);
        ArgumentNullException.ThrowIfNull(leases);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return RenewCoreAsync(worker, leases, duration, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<RunAttention>> WatchAsync(string worker, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(worker);
        cancellationToken.ThrowIfCancellationRequested();
        return WatchCoreAsync(worker, cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="JournalException">The entries do not continue the chain, or the store holds less than was acknowledged.</exception>
    /// <exception cref="StoreException">The store cannot take it; <see cref="StoreFailure.Io"/> where it may have happened.</exception>
    public ValueTask<AppendResult> AppendAsync(RunBatch batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        cancellationToken.ThrowIfCancellationRequested();
        Gate.CheckShape(batch, _limits);
        return AppendCoreAsync(batch, cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="JournalException">An entry is missing, or the journal
    /// ends before what was acknowledged to this process.</exception>
    public IAsyncEnumerable<JournalEntry> ReadAsync(RunId run, long after = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        return ReadCoreAsync(run, after, cancellationToken);
    }

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId run, CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<RunInfo>> FindAsync(RunQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        Labels.Check(query.Labels);
        InputRules.Check(query);
        cancellationToken.ThrowIfCancellationRequested();
        return FindCoreAsync(query, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<DecisionResult> DecideAsync(Decision decision, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(decision);
        InputRules.Check(decision);
        cancellationToken.ThrowIfCancellationRequested();
        return DecideCoreAsync(decision, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<DecisionResult> ReassignAsync(Reassignment reassignment, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reassignment);
        InputRules.Check(reassignment);
        cancellationToken.ThrowIfCancellationRequested();
        return ReassignCoreAsync(reassignment, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<QuestionInfo>> QuestionsAsync(QuestionQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        InputRules.Check(query);
        cancellationToken.ThrowIfCancellationRequested();
        return QuestionsCoreAsync(query, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<bool> AddFeedbackAsync(Feedback feedback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        InputRules.Check(feedback);
        cancellationToken.ThrowIfCancellationRequested();
        return AddFeedbackCoreAsync(feedback, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Feedback>> FeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        InputRules.Check(query);
        cancellationToken.ThrowIfCancellationRequested();
        return FeedbackCoreAsync(query, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask PutAsync(Blob blob, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(blob);
        cancellationToken.ThrowIfCancellationRequested();
        Gate.CheckShape(blob, _limits);
        return PutCoreAsync(blob, cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="StoreException">The content does not have its hash any more.</exception>
    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string hash, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(hash);
        cancellationToken.ThrowIfCancellationRequested();
        return Blob.IsHash(hash) ? GetCoreAsync(hash, cancellationToken) : default;
    }

    /// <inheritdoc/>
    public ValueTask<bool> EngageAsync(KillSwitch killSwitch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(killSwitch);
        InputRules.Check(killSwitch);
        cancellationToken.ThrowIfCancellationRequested();
        return EngageCoreAsync(killSwitch with { Scope = KillSwitch.ParseScope(killSwitch.Scope) }, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<bool> ReleaseAsync(string scope, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(scope);
        InputRules.CheckScope(scope);
        cancellationToken.ThrowIfCancellationRequested();
        return ReleaseCoreAsync(KillSwitch.ParseScope(scope), cancellationToken);
    }

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    public ValueTask SetCeilingsAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ceilings);
        ceilings.Check();
        InputRules.CheckScope(scope.Key);
        if (scope.CeilingScope != scope)
            throw new ArgumentException($"'{scope}' takes its ceilings from '{scope.CeilingScope}'; set them there.", nameof(scope));
        cancellationToken.ThrowIfCancellationRequested();
        return SetCeilingsCoreAsync(scope, ceilings, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<BudgetInfo>> BudgetsAsync(
        string prefix = "",
        int limit = 1_000,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        InputRules.CheckText("prefix", prefix);
        cancellationToken.ThrowIfCancellationRequested();
        return BudgetsCoreAsync(prefix, limit, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask SetLimitsAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(limits);
        limits.Check(scope);
        InputRules.CheckScope(scope.Key);
        cancellationToken.ThrowIfCancellationRequested();
        return SetLimitsCoreAsync(scope, limits, cancellationToken);
    }

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default);

    /// <summary>Closes the store; later calls throw <see cref="StoreFailure.Closed"/>.</summary>
    public abstract ValueTask DisposeAsync();

    /// <inheritdoc cref="StartAsync"/>
    protected abstract ValueTask<StartResult> StartCoreAsync(RunStart start, CancellationToken cancellationToken);

    /// <inheritdoc cref="SignalAsync"/>
    /// <param name="signal">The signal.</param>
    /// <param name="body">Its body as <see cref="StoreJson"/> writes it.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    protected abstract ValueTask<SignalResult> SignalCoreAsync(Signal signal, byte[] body, CancellationToken cancellationToken);

    /// <inheritdoc cref="ClaimAsync"/>
    protected abstract ValueTask<IReadOnlyList<Claim>> ClaimCoreAsync(ClaimRequest request, CancellationToken cancellationToken);

    /// <inheritdoc cref="RenewAsync"/>
    protected abstract ValueTask<IReadOnlyList<Lease>> RenewCoreAsync(
        string worker,
        IReadOnlyCollection<Lease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken);

    /// <inheritdoc cref="WatchAsync"/>
    protected abstract ValueTask<IReadOnlyList<RunAttention>> WatchCoreAsync(string worker, CancellationToken cancellationToken);

    /// <inheritdoc cref="AppendAsync"/>
    protected abstract ValueTask<AppendResult> AppendCoreAsync(RunBatch batch, CancellationToken cancellationToken);

    /// <inheritdoc cref="ReadAsync"/>
    protected abstract IAsyncEnumerable<JournalEntry> ReadCoreAsync(RunId run, long after, CancellationToken cancellationToken);

    /// <inheritdoc cref="FindAsync"/>
    protected abstract ValueTask<IReadOnlyList<RunInfo>> FindCoreAsync(RunQuery query, CancellationToken cancellationToken);

    /// <inheritdoc cref="DecideAsync"/>
    protected abstract ValueTask<DecisionResult> DecideCoreAsync(Decision decision, CancellationToken cancellationToken);

    /// <inheritdoc cref="ReassignAsync"/>
    protected abstract ValueTask<DecisionResult> ReassignCoreAsync(Reassignment reassignment, CancellationToken cancellationToken);

    /// <inheritdoc cref="QuestionsAsync"/>
    protected abstract ValueTask<IReadOnlyList<QuestionInfo>> QuestionsCoreAsync(QuestionQuery query, CancellationToken cancellationToken);

    /// <inheritdoc cref="AddFeedbackAsync"/>
    protected abstract ValueTask<bool> AddFeedbackCoreAsync(Feedback feedback, CancellationToken cancellationToken);

    /// <inheritdoc cref="FeedbackAsync"/>
    protected abstract ValueTask<IReadOnlyList<Feedback>> FeedbackCoreAsync(FeedbackQuery query, CancellationToken cancellationToken);

    /// <inheritdoc cref="PutAsync"/>
    protected abstract ValueTask PutCoreAsync(Blob blob, CancellationToken cancellationToken);

    /// <inheritdoc cref="GetAsync"/>
    protected abstract ValueTask<ReadOnlyMemory<byte>?> GetCoreAsync(string hash, CancellationToken cancellationToken);

    /// <inheritdoc cref="EngageAsync"/>
    protected abstract ValueTask<bool> EngageCoreAsync(KillSwitch killSwitch, CancellationToken cancellationToken);

    /// <inheritdoc cref="ReleaseAsync"/>
    protected abstract ValueTask<bool> ReleaseCoreAsync(string scope, CancellationToken cancellationToken);

    /// <inheritdoc cref="SetCeilingsAsync"/>
    protected abstract ValueTask SetCeilingsCoreAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken);

    /// <inheritdoc cref="BudgetsAsync"/>
    protected abstract ValueTask<IReadOnlyList<BudgetInfo>> BudgetsCoreAsync(string prefix, int limit, CancellationToken cancellationToken);

    /// <inheritdoc cref="SetLimitsAsync"/>
    protected abstract ValueTask SetLimitsCoreAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken);

    /// <summary>Checks content that was read against the hash under which it was kept.</summary>
    /// <exception cref="StoreException">The content has another hash.</exception>
    protected static ReadOnlyMemory<byte>? Verified(string hash, byte[]? content, string database)
    {
        if (content is null)
            return null;
        return Blob.Of(content).Hash == hash
            ? content
            : throw new StoreException(
                StoreFailure.Corrupt,
                $"The content of blob '{hash}' in '{database}' does not have that SHA-256: it was edited or damaged. "
                + "Restore it from a backup, then check all of it with IVerifiableStore.VerifyAsync.");
    }

    private static StoreLimits Checked(StoreLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        limits.Check();
        return limits;
    }
}
