namespace Steward.Testing.Conformance;

/// <summary>One clause of the store's contract, as something that can be run.</summary>
/// <param name="Name">What it checks, as subject, situation and outcome.</param>
/// <param name="Run">Runs it on a store that holds nothing yet; throws a
/// <see cref="ConformanceException"/> when the clause is broken.</param>
public sealed record ConformanceCheck(string Name, Func<ConformanceStore, CancellationToken, Task> Run)
{
    /// <summary>Whether it closes the store and opens the same data again, so that it says nothing about one in memory.</summary>
    /// <value>False.</value>
    public bool NeedsPersistence { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    internal static ConformanceCheck Of(Func<Scene, Task> check) => Of(check.Method.Name, check);

    internal static ConformanceCheck Of(string name, Func<Scene, Task> check) => new(name, async (store, cancellationToken) =>
    {
        await store.OpenAsync(limits: null, cancellationToken);
        await check(new Scene(store, cancellationToken));
    });
}
