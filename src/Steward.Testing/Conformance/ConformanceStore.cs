using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>Opens a store with a clock and limits; called again after the store was disposed, it opens the same data.</summary>
public delegate ValueTask<IStewardStore> StoreFactory(TimeProvider time, StoreLimits limits, CancellationToken cancellationToken);

/// <summary>What a conformance check works on: the store under test, its clock, and a way to open it again.</summary>
/// <param name="open">Opens the store; the first time it is empty.</param>
public sealed class ConformanceStore(StoreFactory open) : IAsyncDisposable
{
    private IStewardStore? _store;

    /// <summary>Whether the data outlives the store object.</summary>
    /// <value>True.</value>
    public bool Persistent { get; init; } = true;

    /// <summary>The clock that the store was given.</summary>
    public ManualTimeProvider Time { get; init; } = new();

    /// <summary>Called after <see cref="Time"/> has moved; for stores that
    /// are judged by another clock than the one they were given.</summary>
    public Func<TimeSpan, CancellationToken, Task>? Advanced { get; init; }

    /// <summary>The store, once it is open.</summary>
    public IStewardStore Store => _store ?? throw new InvalidOperationException("Open the store first.");

    /// <summary>Opens the store, or closes it and opens the same data again.</summary>
    public async Task<IStewardStore> OpenAsync(StoreLimits? limits = null, CancellationToken cancellationToken = default)
    {
        await DisposeAsync();
        return _store = await open(Time, limits ?? new StoreLimits(), cancellationToken);
    }

    /// <summary>Moves the clock on.</summary>
    public async Task AdvanceAsync(TimeSpan by, CancellationToken cancellationToken = default)
    {
        Time.Advance(by);
        if (Advanced is { } advanced)
            await advanced(by, cancellationToken);
    }

    /// <summary>Closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_store is { } store)
            await store.DisposeAsync();
        _store = null;
    }
}
