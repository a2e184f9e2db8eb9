using Steward.Journal;

namespace Steward.Storage;

/// <summary>A store that passes everything on to another one; override what is to be done differently.</summary>
/// <remarks>
/// <see cref="GetService"/> finds the optional contracts of the inner store, so a decorator keeps them all. A decorator that
/// must also stand before one of those, such as <see cref="ITransactionalStore"/>, implements it, and is then what is found.
/// </remarks>
/// <param name="inner">The store that does the work.</param>
public class DelegatingStore(IStewardStore inner) : IStewardStore
{
    /// <summary>The store that does the work.</summary>
    protected IStewardStore Inner { get; } = inner ?? throw new ArgumentNullException(nameof(inner));

    /// <inheritdoc/>
    public virtual object? GetService(Type serviceType, object? key = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return key is null && serviceType.IsInstanceOfType(this) ? this : Inner.GetService(serviceType, key);
    }

    /// <inheritdoc/>
    public virtual ValueTask<StartResult> StartAsync(RunStart start, CancellationToken cancellationToken = default) =>
        Inner.StartAsync(start, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<SignalResult> SignalAsync(Signal signal, CancellationToken cancellationToken = default) =>
        Inner.SignalAsync(signal, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<Claim>> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default) =>
        Inner.ClaimAsync(request, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<Lease>> RenewAsync(
        string worker,
        IReadOnlyCollection<Lease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken = default) =>
        Inner.RenewAsync(worker, leases, duration, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<RunAttention>> WatchAsync(string worker, CancellationToken cancellationToken = default) =>
        Inner.WatchAsync(worker, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<AppendResult> AppendAsync(RunBatch batch, CancellationToken cancellationToken = default) =>
        Inner.AppendAsync(batch, cancellationToken);

    /// <inheritdoc/>
    public virtual IAsyncEnumerable<JournalEntry> ReadAsync(RunId run, long after = 0, CancellationToken cancellationToken = default) =>
        Inner.ReadAsync(run, after, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId run, CancellationToken cancellationToken = default) =>
        Inner.InboxAsync(run, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<RunInfo>> FindAsync(RunQuery query, CancellationToken cancellationToken = default) =>
        Inner.FindAsync(query, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<DecisionResult> DecideAsync(Decision decision, CancellationToken cancellationToken = default) =>
        Inner.DecideAsync(decision, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<DecisionResult> ReassignAsync(Reassignment reassignment, CancellationToken cancellationToken = default) =>
        Inner.ReassignAsync(reassignment, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<QuestionInfo>> QuestionsAsync(
        QuestionQuery query,
        CancellationToken cancellationToken = default) =>
        Inner.QuestionsAsync(query, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<bool> AddFeedbackAsync(Feedback feedback, CancellationToken cancellationToken = default) =>
        Inner.AddFeedbackAsync(feedback, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<Feedback>> FeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken = default) =>
        Inner.FeedbackAsync(query, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask PutAsync(Blob blob, CancellationToken cancellationToken = default) => Inner.PutAsync(blob, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<ReadOnlyMemory<byte>?> GetAsync(string hash, CancellationToken cancellationToken = default) =>
        Inner.GetAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<bool> EngageAsync(KillSwitch killSwitch, CancellationToken cancellationToken = default) =>
        Inner.EngageAsync(killSwitch, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<bool> ReleaseAsync(string scope, CancellationToken cancellationToken = default) =>
        Inner.ReleaseAsync(scope, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default) =>
        Inner.SwitchesAsync(cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask SetCeilingsAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken = default) =>
        Inner.SetCeilingsAsync(scope, ceilings, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<BudgetInfo>> BudgetsAsync(
        string prefix = "",
        int limit = 1_000,
        CancellationToken cancellationToken = default) =>
        Inner.BudgetsAsync(prefix, limit, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask SetLimitsAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken = default) =>
        Inner.SetLimitsAsync(scope, limits, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default) =>
        Inner.LimitsAsync(cancellationToken);

    /// <summary>Closes the inner store.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Inner.DisposeAsync();
    }
}
