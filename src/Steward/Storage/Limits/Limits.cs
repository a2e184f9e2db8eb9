namespace Steward.Storage;

/// <summary>How much of a scope may go on at the same time, over all nodes. What is null is not limited; 0 holds everything back.</summary>
public sealed record Limits
{
    /// <summary>No limits.</summary>
    public static Limits None { get; } = new();

    /// <summary>Most runs that workers hold at the same time; the others stay in
    /// the queue. A run that waits for something is held by nobody.</summary>
    public int? RunsAtOnce { get; init; }

    /// <summary>Most runs in the queue, that is claimable or waiting for their turn in a session. A full queue rejects new root runs; child
    /// runs are still accepted.</summary>
    public int? Queue { get; init; }

    /// <summary>Most calls of the tool in flight at the same time; the others wait.</summary>
    public int? CallsAtOnce { get; init; }

    /// <summary>Checks that limits can be those of a scope.</summary>
    /// <exception cref="ArgumentException">They are below 0, or of another kind than the scope.</exception>
    public void Check(LimitScope scope)
    {
        LimitScope.Parse(scope.Key);
        if (RunsAtOnce < 0 || Queue < 0 || CallsAtOnce < 0)
            throw new ArgumentException($"A limit of '{scope}' is below 0: the least is 0, which holds everything back.");
        if (scope.IsTool && (RunsAtOnce is not null || Queue is not null))
            throw new ArgumentException(
                $"'{scope}' can only limit calls: runs at once and the queue belong to global, tenant:NAME or tenant:*.");
        if (!scope.IsTool && CallsAtOnce is not null)
            throw new ArgumentException($"'{scope}' cannot limit calls: those belong to tool:NAME or tool:*.");
    }
}

/// <summary>The limits of a scope, and what counts against them at this moment.</summary>
/// <param name="Scope">The scope.</param>
/// <param name="Limits">Its limits.</param>
/// <param name="Used">What counts against them; nothing for <c>tenant:*</c> and <c>tool:*</c>, which hold for each one apart.</param>
public sealed record LimitInfo(LimitScope Scope, Limits Limits, LimitUsage Used);

/// <summary>What counts against limits.</summary>
/// <param name="Runs">Runs held by a worker whose lease has not expired.</param>
/// <param name="Queue">Runs in the queue.</param>
/// <param name="Calls">Calls in flight that were started under a limit.</param>
public readonly record struct LimitUsage(int Runs, int Queue, int Calls);

/// <summary>A queue that takes no further run.</summary>
/// <param name="Scope">Whose.</param>
/// <param name="Limit">How many it takes.</param>
/// <param name="Waiting">How many are in it.</param>
public sealed record QueueFull(LimitScope Scope, int Limit, int Waiting);

/// <summary>A run was not started: the queue that it would have to stand in is full.</summary>
public sealed class QueueFullException : StewardException
{
    /// <summary>Creates the error.</summary>
    public QueueFullException(QueueFull full)
        : base(Describe(full)) => Full = full;

    /// <summary>Which queue, its limit, and how many runs are in it.</summary>
    public QueueFull Full { get; }

    private static string Describe(QueueFull full)
    {
        ArgumentNullException.ThrowIfNull(full);
        return FormattableString.Invariant(
            $"The queue of '{full.Scope}' is full: {full.Waiting} runs are in it and its limit is {full.Limit}, ")
            + "so nothing was started. Try again later with the same key, add workers, or raise the limit with SetLimitsAsync.";
    }
}
