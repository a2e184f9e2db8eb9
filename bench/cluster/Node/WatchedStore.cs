using System.Reflection;
using Steward.Storage;

namespace Steward.ClusterBench.Node;

/// <summary>What a node asks of a store on PostgreSQL.</summary>
internal interface IClusterStore : IStewardStore, ITransactionalStore, IHintingStore, IDueRuns;

/// <summary>Passes everything on to the store, and notes the claims that it gave, and the appends that the gate refused because their lease is no longer the run's.</summary>
internal class WatchedStore : DispatchProxy
{
    private IStewardStore _store = null!;
    private NodeLog _log = null!;

    public static IStewardStore Watch(IStewardStore store, NodeLog log)
    {
        IStewardStore proxy = store.GetService<ITransactionalStore>() is not null ? Create<IClusterStore, WatchedStore>() : Create<IStewardStore, WatchedStore>();
        (((WatchedStore)proxy)._store, ((WatchedStore)proxy)._log) = (store, log);
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == nameof(IStewardStore.GetService) && ((Type)args![0]!).IsInstanceOfType(this))
            return this; // Callers that ask for a contract are watched too.
        object? result = targetMethod.Invoke(_store, BindingFlags.DoNotWrapExceptions, null, args, null);
        return result switch
        {
            ValueTask<AppendResult> append when args is [RunBatch batch, ..] => new ValueTask<AppendResult>(WatchAsync(batch, append.AsTask())),
            ValueTask<IReadOnlyList<Claim>> claims => new ValueTask<IReadOnlyList<Claim>>(WatchAsync(claims.AsTask())),
            _ => result,
        };
    }

    private async Task<IReadOnlyList<Claim>> WatchAsync(Task<IReadOnlyList<Claim>> claims)
    {
        IReadOnlyList<Claim> given = await claims;
        foreach (Claim claim in given)
            _log.Claimed(claim.Lease, claim.Info.Sequence);
        return given;
    }

    private async Task<AppendResult> WatchAsync(RunBatch batch, Task<AppendResult> append)
    {
        AppendResult result = await append;
        if (result is AppendResult.Fenced)
            _log.Fenced(batch);
        return result;
    }
}
