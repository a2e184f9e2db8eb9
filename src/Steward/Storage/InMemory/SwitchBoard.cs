namespace Steward.Storage.InMemory;

/// <summary>The engaged kill switches.</summary>
internal sealed class SwitchBoard
{
    private KillSwitch[] _engaged = [];

    /// <summary>The engaged switches; the list is never changed, only replaced.</summary>
    public IReadOnlyList<KillSwitch> Engaged => _engaged;

    public bool Engage(KillSwitch killSwitch)
    {
        if (Array.Exists(_engaged, s => s.Scope == killSwitch.Scope))
            return false;
        _engaged = [.. _engaged, killSwitch];
        return true;
    }

    /// <summary>The switch that was released; null when it was not engaged.</summary>
    public KillSwitch? Release(string scope)
    {
        KillSwitch? released = Array.Find(_engaged, s => s.Scope == scope);
        if (released is not null)
            _engaged = Array.FindAll(_engaged, s => s.Scope != scope);
        return released;
    }

    public KillSwitch? Over(RunRecord run) => _engaged.Length == 0 ? null : Gate.FindSwitch(_engaged, run);
}
