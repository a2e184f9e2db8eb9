using Steward.Journal;

namespace Steward.Storage;

/// <summary>Where runs live. <see cref="AppendAsync"/> is the gate: the one
/// transaction in which everything is enforced that an effect depends on.</summary>
/// <remarks>
/// The contract, held by the conformance suite in <c>Steward.Testing</c>: what a method acknowledges is durable. A method that
/// throws may or may not have happened, and repeating it with the same ids is safe. Leases are judged by the store's clock alone, and
/// methods are safe to call from any thread.
/// </remarks>
public interface IRunStore
{
    /// <summary>Starts a run, or finds the one that the same tenant started with the
    /// same key. A full queue rejects new root runs; child runs are still accepted.</summary>
    /// <exception cref="StoreException">The store cannot take it: full, read-only, damaged, or gone.</exception>
    ValueTask<StartResult> StartAsync(RunStart start, CancellationToken cancellationToken = default);

    /// <summary>Puts a signal into a run's inbox, once per signal id, and makes a parked run claimable.</summary>
    ValueTask<SignalResult> SignalAsync(Signal signal, CancellationToken cancellationToken = default);

    /// <summary>Takes the leases of runs that are claimable (epoch + 1), in turns between tenants; empty when there are none.</summary>
    /// <remarks>Tenants with the fewest leased runs come first (<see cref="FairShare"/>);
    /// of one tenant's, those that have been claimable for longest.</remarks>
    ValueTask<IReadOnlyList<Claim>> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default);

    /// <summary>A worker's sign of life: prolongs the leases that it still works under, all at once.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="leases">The leases under which it works; one that is left out runs out by itself.</param>
    /// <param name="duration">For how long, from now.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>Those of the leases that it still holds. A lease that has run out is held until somebody else claims the run.</returns>
    ValueTask<IReadOnlyList<Lease>> RenewAsync(
        string worker,
        IReadOnlyCollection<Lease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken = default);

    /// <summary>What the runs leased by a worker should look at now: signals that came in,
    /// switches that were engaged. Cheap enough to ask several times a second.</summary>
    ValueTask<IReadOnlyList<RunAttention>> WatchAsync(string worker, CancellationToken cancellationToken = default);

    /// <summary>The gate: checks epoch, sequence, kill switches, budgets and
    /// limits of calls, and records events, in one transaction.</summary>
    ValueTask<AppendResult> AppendAsync(RunBatch batch, CancellationToken cancellationToken = default);

    /// <summary>Reads a run's journal in order, from the entry after <paramref name="after"/>; empty for an unknown run.</summary>
    IAsyncEnumerable<JournalEntry> ReadAsync(RunId run, long after = 0, CancellationToken cancellationToken = default);

    /// <summary>The signals of a run that no append has consumed yet, oldest first.</summary>
    ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId run, CancellationToken cancellationToken = default);

    /// <summary>Finds runs, newest first.</summary>
    ValueTask<IReadOnlyList<RunInfo>> FindAsync(RunQuery query, CancellationToken cancellationToken = default);

    /// <summary>Takes a decision on a question: the first one wins, and goes into the run's inbox in the same transaction.</summary>
    ValueTask<DecisionResult> DecideAsync(Decision decision, CancellationToken cancellationToken = default);

    /// <summary>Gives an open question to somebody else, if the giver may.</summary>
    ValueTask<DecisionResult> ReassignAsync(Reassignment reassignment, CancellationToken cancellationToken = default);

    /// <summary>Finds questions, longest asked first.</summary>
    ValueTask<IReadOnlyList<QuestionInfo>> QuestionsAsync(QuestionQuery query, CancellationToken cancellationToken = default);

    /// <summary>Keeps feedback on a run, once per id.</summary>
    /// <returns>False when there is no such run.</returns>
    ValueTask<bool> AddFeedbackAsync(Feedback feedback, CancellationToken cancellationToken = default);

    /// <summary>Finds feedback, newest first.</summary>
    ValueTask<IReadOnlyList<Feedback>> FeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken = default);
}

/// <summary>A store that hears what other processes do. Only ever a hint: some are
/// lost, some come for nothing, and polling finds everything without them.</summary>
public interface IHintingStore
{
    /// <summary>Runs that may have become claimable, got a signal, or settled; null stands
    /// for any run. Ends when it is cancelled, or the store has no hints to give.</summary>
    IAsyncEnumerable<RunId?> HintsAsync(CancellationToken cancellationToken = default);
}

/// <summary>A store that can say what is claimable without claiming it, so that somebody may choose who works on it.</summary>
public interface IDueRuns
{
    /// <summary>Runs that <see cref="IRunStore.ClaimAsync"/> would give at this moment, in its order.</summary>
    ValueTask<IReadOnlyList<RunId>> DueAsync(ClaimRequest request, CancellationToken cancellationToken = default);
}

/// <summary>What is asked for one run at a time.</summary>
public static class RunStoreExtensions
{
    /// <summary>Takes the lease of one claimable run, or null when there is none.</summary>
    public static async ValueTask<Claim?> ClaimOneAsync(
        this IRunStore store,
        ClaimRequest request,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(request);
        return await store.ClaimAsync(request with { Max = 1 }, cancellationToken) is [Claim claim, ..] ? claim : null;
    }
}

/// <summary>Large content, addressed by the SHA-256 of its bytes and shared between runs.</summary>
public interface IBlobStore
{
    /// <summary>Keeps content; doing it again is free.</summary>
    ValueTask PutAsync(Blob blob, CancellationToken cancellationToken = default);

    /// <summary>Reads content, or null when there is none under that hash.</summary>
    ValueTask<ReadOnlyMemory<byte>?> GetAsync(string hash, CancellationToken cancellationToken = default);
}

/// <summary>Switches, ceilings and limits: what operators set, and the store obeys.</summary>
public interface IControlStore
{
    /// <summary>Engages a kill switch: once this returns, nothing under it starts any more, on any node.</summary>
    /// <returns>False when it was engaged already.</returns>
    ValueTask<bool> EngageAsync(KillSwitch killSwitch, CancellationToken cancellationToken = default);

    /// <summary>Releases a kill switch; its runs go on.</summary>
    /// <returns>False when it was not engaged.</returns>
    ValueTask<bool> ReleaseAsync(string scope, CancellationToken cancellationToken = default);

    /// <summary>The engaged switches.</summary>
    ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default);

    /// <summary>Sets the ceilings of a scope, in place of those it had.</summary>
    ValueTask SetCeilingsAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken = default);

    /// <summary>The budgets whose scope key starts with <paramref name="prefix"/>,
    /// in order of the key; ceilings and what is spent and reserved.</summary>
    ValueTask<IReadOnlyList<BudgetInfo>> BudgetsAsync(string prefix = "", int limit = 1_000, CancellationToken cancellationToken = default);

    /// <summary>Sets the limits of a scope, in place of those it had; <see cref="Limits.None"/> takes them off.</summary>
    /// <remarks>They hold for what begins from then on: nothing under way is stopped, and
    /// calls that were started while their tool had no limit are not counted.</remarks>
    /// <exception cref="ArgumentException">The limits cannot be those of the scope.</exception>
    ValueTask SetLimitsAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken = default);

    /// <summary>All limits, in order of their scopes, with what counts against them now.</summary>
    ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default);
}

/// <summary>One store with all three contracts.</summary>
public interface IStewardStore : IRunStore, IBlobStore, IControlStore, IAsyncDisposable
{
    /// <summary>Finds what the store can do besides, such as <see cref="ITransactionalStore"/> or
    /// <see cref="IRetentionStore"/>: its own, or that of the store which it decorates.</summary>
    /// <param name="serviceType">The contract.</param>
    /// <param name="key">Tells apart several of one type; null for the only one.</param>
    /// <returns>The implementation; null when the store has none.</returns>
    object? GetService(Type serviceType, object? key = null);
}

/// <summary>What a store can do besides.</summary>
public static class StewardStoreExtensions
{
    /// <summary>Finds what the store can do besides. Never ask by a cast: a decorator has only what it adds itself.</summary>
    /// <returns>The implementation; null when the store has none.</returns>
    public static T? GetService<T>(this IStewardStore store, object? key = null)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(store);
        return store.GetService(typeof(T), key) as T;
    }
}
