using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Faults;

/// <summary>When a store call fails, seen from the store.</summary>
public enum FaultMoment
{
    /// <summary>Before it is done: nothing happened.</summary>
    Before,

    /// <summary>After it was done: it is durable, but the caller is told that it failed.</summary>
    After,
}

/// <summary>A store that counts its calls and fails a chosen one: "the Nth
/// store call fails", for every N until a run ends with no failure.</summary>
/// <param name="inner">The store that does the work. It stays open when this one is disposed, so that a test can restart on it.</param>
/// <example>
/// <code>
/// for (int n = 1; ; n++)
/// {
///     var faulty = new FaultyStore(store) { FailAt = n, Moment = FaultMoment.After };
///     // … run on 'faulty', restart on 'store', and assert the same outcome …
///     if (faulty.Failed is null)
///         break;
/// }
/// </code>
/// </example>
public sealed class FaultyStore(IStewardStore inner) : DelegatingStore(inner)
{
    private int _calls;

    /// <summary>The methods that count, by name, for example <c>nameof(IRunStore.AppendAsync)</c>; all of them when it is null.</summary>
    /// <value>Null.</value>
    public IReadOnlyCollection<string>? Methods { get; init; }

    /// <summary>The number of the call that fails, from 1; none when it is 0.</summary>
    /// <value>0.</value>
    public int FailAt { get; init; }

    /// <summary>Whether the failing call is done all the same.</summary>
    /// <value><see cref="FaultMoment.Before"/>.</value>
    public FaultMoment Moment { get; init; }

    /// <summary>Whether every later call fails too, before it is done: the store is gone, as it is for a process that dies.</summary>
    /// <value>False.</value>
    public bool Lasting { get; init; }

    /// <summary>Makes the error from the method's name and the call's number.</summary>
    /// <value>A <see cref="StoreException"/> with <see cref="StoreFailure.Io"/>.</value>
    public Func<string, int, Exception> Error { get; init; } = static (method, n) =>
        new StoreException(StoreFailure.Io, $"Call {n} of the store ('{method}') was made to fail by a test.");

    /// <summary>Called before each call that counts, with the method's name
    /// and the call's number; may wait, throw, or stop the clock.</summary>
    public Func<string, int, Task>? Hook { get; init; }

    /// <summary>Called after each call that counts is done and before it is answered;
    /// may wait, throw, or stop the clock: an answer that is late or lost.</summary>
    public Func<string, int, Task>? AnswerHook { get; init; }

    /// <summary>Calls that counted so far.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>The method whose call was made to fail first; null as long as none was.</summary>
    public string? Failed { get; private set; }

    /// <summary>Finds what the inner store can do besides. Appends in a transaction that it lends count and fail like all others.</summary>
    public override object? GetService(Type serviceType, object? key = null) =>
        serviceType == typeof(ITransactionalStore) && Inner.GetService<ITransactionalStore>(key) is { } lending
            ? new FaultyLending(this, lending)
            : base.GetService(serviceType, key);

    /// <inheritdoc/>
    public override ValueTask<StartResult> StartAsync(RunStart start, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.StartAsync(start, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<SignalResult> SignalAsync(Signal signal, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.SignalAsync(signal, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<Claim>> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.ClaimAsync(request, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<Lease>> RenewAsync(
        string worker,
        IReadOnlyCollection<Lease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken = default) =>
        CallAsync(() => base.RenewAsync(worker, leases, duration, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<RunAttention>> WatchAsync(string worker, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.WatchAsync(worker, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<AppendResult> AppendAsync(RunBatch batch, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.AppendAsync(batch, cancellationToken));

    /// <inheritdoc/>
    public override async IAsyncEnumerable<JournalEntry> ReadAsync(
        RunId run,
        long after = 0,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        int call = await EnterAsync(nameof(ReadAsync));
        await foreach (JournalEntry entry in base.ReadAsync(run, after, cancellationToken))
            yield return entry;
        await LeaveAsync(nameof(ReadAsync), call);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId run, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.InboxAsync(run, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<RunInfo>> FindAsync(RunQuery query, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.FindAsync(query, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<DecisionResult> DecideAsync(Decision decision, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.DecideAsync(decision, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<DecisionResult> ReassignAsync(Reassignment reassignment, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.ReassignAsync(reassignment, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<QuestionInfo>> QuestionsAsync(
        QuestionQuery query,
        CancellationToken cancellationToken = default) =>
        CallAsync(() => base.QuestionsAsync(query, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<bool> AddFeedbackAsync(Feedback feedback, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.AddFeedbackAsync(feedback, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<Feedback>> FeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.FeedbackAsync(query, cancellationToken));

    /// <inheritdoc/>
    public override async ValueTask PutAsync(Blob blob, CancellationToken cancellationToken = default)
    {
        int call = await EnterAsync(nameof(PutAsync));
        await base.PutAsync(blob, cancellationToken);
        await LeaveAsync(nameof(PutAsync), call);
    }

    /// <inheritdoc/>
    public override ValueTask<ReadOnlyMemory<byte>?> GetAsync(string hash, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.GetAsync(hash, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<bool> EngageAsync(KillSwitch killSwitch, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.EngageAsync(killSwitch, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<bool> ReleaseAsync(string scope, CancellationToken cancellationToken = default) =>
        CallAsync(() => base.ReleaseAsync(scope, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default) =>
        CallAsync(() => base.SwitchesAsync(cancellationToken));

    /// <inheritdoc/>
    public override async ValueTask SetCeilingsAsync(
        BudgetScope scope,
        BudgetCeilings ceilings,
        CancellationToken cancellationToken = default)
    {
        int call = await EnterAsync(nameof(SetCeilingsAsync));
        await base.SetCeilingsAsync(scope, ceilings, cancellationToken);
        await LeaveAsync(nameof(SetCeilingsAsync), call);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<BudgetInfo>> BudgetsAsync(
        string prefix = "",
        int limit = 1_000,
        CancellationToken cancellationToken = default) =>
        CallAsync(() => base.BudgetsAsync(prefix, limit, cancellationToken));

    /// <inheritdoc/>
    public override async ValueTask SetLimitsAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken = default)
    {
        int call = await EnterAsync(nameof(SetLimitsAsync));
        await base.SetLimitsAsync(scope, limits, cancellationToken);
        await LeaveAsync(nameof(SetLimitsAsync), call);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default) =>
        CallAsync(() => base.LimitsAsync(cancellationToken));

    /// <summary>Does nothing: the inner store stays open.</summary>
    [SuppressMessage("Usage", "CA2215", Justification = "A test restarts on the inner store.")]
    public override ValueTask DisposeAsync() => default;

    private async ValueTask<T> CallAsync<T>(Func<ValueTask<T>> act, [CallerMemberName] string method = "")
    {
        int call = await EnterAsync(method);
        T result = await act();
        await LeaveAsync(method, call);
        return result;
    }

    /// <summary>Counts a call, and fails it when that is due; 0 for a call that does not count.</summary>
    private async ValueTask<int> EnterAsync(string method)
    {
        if (Methods is not null && !Methods.Contains(method))
            return 0;
        int call = Interlocked.Increment(ref _calls);
        if (Hook is { } hook)
            await hook(method, call);
        if (FailAt > 0 && ((call == FailAt && Moment == FaultMoment.Before) || (call > FailAt && Lasting)))
            throw Fail(method, call);
        return call;
    }

    private async ValueTask LeaveAsync(string method, int call)
    {
        if (call > 0 && AnswerHook is { } hook)
            await hook(method, call);
        if (FailAt > 0 && call == FailAt && Moment == FaultMoment.After)
            throw Fail(method, call);
    }

    private Exception Fail(string method, int call)
    {
        Failed ??= method;
        return Error(method, call);
    }

    private sealed class FaultyLending(FaultyStore store, ITransactionalStore lending) : ITransactionalStore
    {
        public ValueTask<AppendResult> AppendAsync(
            Func<DbTransaction, CancellationToken, ValueTask<RunBatch>> work,
            CancellationToken cancellationToken = default) =>
            store.CallAsync(() => lending.AppendAsync(work, cancellationToken));
    }
}
