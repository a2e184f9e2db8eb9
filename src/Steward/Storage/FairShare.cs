namespace Steward.Storage;

/// <summary>Whose run is claimed next: tenants take turns, so that one with a long queue keeps no other waiting.</summary>
public static class FairShare
{
    /// <summary>How many runs that are due are looked at, longest due first,
    /// before tenants are looked for that are not among them.</summary>
    public const int Window = 256;

    /// <summary>How many tenants beyond the window are looked at in one claim; the next claim goes on after the last of them.</summary>
    public const int Tenants = 200;

    /// <summary>Picks runs so that the tenants with the fewest at work come first; of one tenant's, in the given order.</summary>
    /// <param name="due">What may be claimed, longest due first.</param>
    /// <param name="tenant">Whose run it is.</param>
    /// <param name="atWork">How many runs of a tenant are leased now.</param>
    /// <param name="max">How many to pick.</param>
    /// <param name="most">How many runs of a tenant may be leased at once; null for as many as there are.</param>
    public static List<T> Pick<T>(
        IReadOnlyList<T> due,
        Func<T, string> tenant,
        Func<string, int> atWork,
        int max,
        Func<string, int?>? most = null)
    {
        ArgumentNullException.ThrowIfNull(due);
        ArgumentNullException.ThrowIfNull(tenant);
        ArgumentNullException.ThrowIfNull(atWork);
        Dictionary<string, int> share = new(StringComparer.Ordinal);
        PriorityQueue<T, (int Share, int Order)> turns = new(due.Count);
        for (int i = 0; i < due.Count; i++)
        {
            string of = tenant(due[i]);
            int taken = share.TryGetValue(of, out int before) ? before : atWork(of);
            share[of] = taken + 1;
            if (most?.Invoke(of) <= taken)
                continue; // It stays in the queue until one of the tenant's others is given back.
            turns.Enqueue(due[i], (taken, i));
        }

        List<T> picked = [];
        while (picked.Count < max && turns.TryDequeue(out T? next, out _))
            picked.Add(next);
        return picked;
    }
}
