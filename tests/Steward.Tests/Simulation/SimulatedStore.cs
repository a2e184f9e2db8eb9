using System.Runtime.CompilerServices;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Tests.Simulation;

/// <summary>The store as one simulated process sees it: before and after each call anything may happen, and once the process is dead nothing goes through.</summary>
internal sealed class SimulatedStore(World world, string process) : IStewardStore
{
    public bool IsDead { get; private set; }

    private InMemoryStewardStore Inner => world.Store;

    public object? GetService(Type serviceType, object? key = null) => serviceType.IsInstanceOfType(this) ? this : null;

    public void Kill() => IsDead = true;

    public ValueTask<StartResult> StartAsync(RunStart start, CancellationToken cancellationToken = default) => DoAsync(() => Inner.StartAsync(start, cancellationToken));

    public ValueTask<SignalResult> SignalAsync(Signal signal, CancellationToken cancellationToken = default) => DoAsync(() => Inner.SignalAsync(signal, cancellationToken));

    public async ValueTask<IReadOnlyList<Claim>> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<Claim> claims = await Inner.ClaimAsync(request, cancellationToken);
        foreach (Claim claim in claims)
            world.Checker.Claimed(claim);
        return claims;
    }

    public async ValueTask<IReadOnlyList<Lease>> RenewAsync(string worker, IReadOnlyCollection<Lease> leases, TimeSpan duration, CancellationToken cancellationToken = default)
    {
        DateTimeOffset asked = world.Now;
        IReadOnlyList<Lease> held = await DoAsync(() => Inner.RenewAsync(worker, leases, duration, cancellationToken));
        foreach (Lease lease in held)
            world.Checker.Promises.Leased(lease, asked);
        return held;
    }

    public ValueTask<IReadOnlyList<RunAttention>> WatchAsync(string worker, CancellationToken cancellationToken = default) => Inner.WatchAsync(worker, cancellationToken);

    public ValueTask<AppendResult> AppendAsync(RunBatch batch, CancellationToken cancellationToken = default) => DoAsync(async () =>
    {
        if (world.Chance(1))
            await world.FreezeAsync(process, batch.Lease.Run);
        AppendResult result = await Inner.AppendAsync(batch, cancellationToken);
        await world.Checker.AppendedAsync(batch, result);
        return result;
    });

    public async IAsyncEnumerable<JournalEntry> ReadAsync(RunId run, long after = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await MomentAsync();
        // As a database gives it back, now and then; otherwise as it was written, which needs no parsing and no hashing.
        bool readBack = world.Chance(10);
        await foreach (JournalEntry entry in Inner.ReadAsync(run, after, cancellationToken))
            yield return !readBack ? entry : new JournalEntry(entry.Run, entry.Sequence, entry.Type, entry.Time, entry.Payload, entry.PayloadHash, entry.Hash);
    }

    public ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId run, CancellationToken cancellationToken = default) => DoAsync(() => Inner.InboxAsync(run, cancellationToken));

    public ValueTask<IReadOnlyList<RunInfo>> FindAsync(RunQuery query, CancellationToken cancellationToken = default) => DoAsync(() => Inner.FindAsync(query, cancellationToken));

    public ValueTask<DecisionResult> DecideAsync(Decision decision, CancellationToken cancellationToken = default) => DoAsync(() => Inner.DecideAsync(decision, cancellationToken));

    public ValueTask<DecisionResult> ReassignAsync(Reassignment reassignment, CancellationToken cancellationToken = default) => DoAsync(() => Inner.ReassignAsync(reassignment, cancellationToken));

    public ValueTask<IReadOnlyList<QuestionInfo>> QuestionsAsync(QuestionQuery query, CancellationToken cancellationToken = default) => DoAsync(() => Inner.QuestionsAsync(query, cancellationToken));

    public ValueTask<bool> AddFeedbackAsync(Feedback feedback, CancellationToken cancellationToken = default) => DoAsync(() => Inner.AddFeedbackAsync(feedback, cancellationToken));

    public ValueTask<IReadOnlyList<Feedback>> FeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken = default) => DoAsync(() => Inner.FeedbackAsync(query, cancellationToken));

    public ValueTask PutAsync(Blob blob, CancellationToken cancellationToken = default) => Inner.PutAsync(blob, cancellationToken);

    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string hash, CancellationToken cancellationToken = default) => Inner.GetAsync(hash, cancellationToken);

    public ValueTask<bool> EngageAsync(KillSwitch killSwitch, CancellationToken cancellationToken = default) => Inner.EngageAsync(killSwitch, cancellationToken);

    public ValueTask<bool> ReleaseAsync(string scope, CancellationToken cancellationToken = default) => Inner.ReleaseAsync(scope, cancellationToken);

    public ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default) => Inner.SwitchesAsync(cancellationToken);

    public ValueTask SetCeilingsAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken = default) => Inner.SetCeilingsAsync(scope, ceilings, cancellationToken);

    public ValueTask<IReadOnlyList<BudgetInfo>> BudgetsAsync(string prefix = "", int limit = 1_000, CancellationToken cancellationToken = default) => Inner.BudgetsAsync(prefix, limit, cancellationToken);

    public ValueTask SetLimitsAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken = default) => Inner.SetLimitsAsync(scope, limits, cancellationToken);

    public ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default) => Inner.LimitsAsync(cancellationToken);

    public ValueTask DisposeAsync() => default;

    private async ValueTask<T> DoAsync<T>(Func<ValueTask<T>> call)
    {
        await MomentAsync();
        T result = await call();
        if (world.Chance(2))
        {
            world.Tally.Count("lost reply");
            throw new StoreException(StoreFailure.Io, "The reply was lost.");
        }

        await MomentAsync();
        return result;
    }

    /// <summary>A moment at which the world goes on: the process may die, and others may do something.</summary>
    private async ValueTask MomentAsync()
    {
        ThrowIfDead();
        if (world.Chance(1))
        {
            IsDead = true;
            world.Tally.Count("crash");
        }
        else if (world.Chance(20))
        {
            await world.DisturbAsync(process);
        }

        ThrowIfDead();
    }

    private void ThrowIfDead()
    {
        if (IsDead)
            throw new StoreException(StoreFailure.Io, "This process is dead.");
    }
}
