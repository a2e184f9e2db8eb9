using System.Reflection;
using Steward.Storage;
using Steward.Testing.Faults;

namespace Steward.Tests.Faults;

#pragma warning disable CA1852 // The proxy is a class derived from it.
/// <summary>The store as a process sees it that dies at a chosen commit: before it, or right after it. Nothing goes through from then on.</summary>
internal class DyingStore : DispatchProxy
#pragma warning restore CA1852
{
    private IStewardStore _inner = null!;
    private Predicate<RunBatch> _at = null!;
    private FaultMoment _moment;
    private bool _dead;

    public static IStewardStore Of(IStewardStore inner, FaultMoment moment, Predicate<RunBatch> at)
    {
        IStewardStore store = Create<IStewardStore, DyingStore>();
        var dying = (DyingStore)(object)store;
        (dying._inner, dying._moment, dying._at) = (inner, moment, at);
        return store;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (_dead)
            throw new StoreException(StoreFailure.Io, "The process is dead.");
        if (args is not [RunBatch batch, ..] || !_at(batch))
            return targetMethod!.Invoke(_inner, args);
        if (_moment == FaultMoment.After)
            targetMethod!.Invoke(_inner, args);
        _dead = true;
        throw new StoreException(StoreFailure.Io, "The process died here.");
    }
}
