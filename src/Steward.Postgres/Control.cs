using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Operations;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>What operators have set, as it was at a version: the switches, the limits, and the ceilings of what runs share.</summary>
/// <remarks>A transaction that relies on it shares the control lock and confirms the version. It then holds until the commit.</remarks>
internal sealed class Control(
    long version,
    IReadOnlyList<KillSwitch> switches,
    LimitTable limits,
    IReadOnlyDictionary<BudgetScope, BudgetCeilings> ceilings)
{
    private const string Version = "SELECT version FROM steward.control";

    public IReadOnlyList<KillSwitch> Switches => switches;

    public LimitTable Limits => limits;

    /// <summary>The ceilings of a tenant, an agent or all; null when it has none.</summary>
    public BudgetCeilings? CeilingsOf(BudgetScope shared) => ceilings.GetValueOrDefault(shared);

    /// <summary>Asks for everything; call the result once the trip was made.</summary>
    public static Func<Control> Ask(RoundTrip trip)
    {
        long version = 0;
        List<KillSwitch> switches = [];
        Dictionary<LimitScope, Limits> limits = [];
        Dictionary<BudgetScope, BudgetCeilings> ceilings = [];

        // The version first: what is read after it is then at least as new, and confirming it notices a change in between.
        trip.Ask(Version, r => version = r.GetInt64(0));
        trip.Ask(Operations.Switches.All, r => switches.Add(Operations.Switches.Read(r)));
        trip.Ask(Concurrency.All, r => limits[Concurrency.ScopeOf(r)] = Concurrency.LimitsOf(r));
        trip.Ask(BudgetRows.SharedCeilings, r => ceilings[new BudgetScope(r.GetString(0))] = BudgetRows.CeilingsOf(r, 1));
        return () => new Control(version, switches, limits.Count == 0 ? LimitTable.Empty : new LimitTable(limits), ceilings);
    }

    /// <summary>Shares the control lock, and ends the transaction if this is not what holds.</summary>
    public void Confirm(RoundTrip trip)
    {
        Operations.Switches.Share(trip);
        trip.Ask($"SELECT CASE WHEN ({Version}) = $1 THEN true ELSE steward.refuse('the controls') END", null, version);
    }
}
