namespace Steward.ClusterBench.Load;

/// <summary>What runs are asked to do: every class of effects, several calls at once, waits, children, and a tenant whose ceiling is nearly used up.</summary>
internal static class Mix
{
    /// <summary>The tenant whose ceiling ends its runs early.</summary>
    public const string Tight = "tight";

    private static readonly (string Tenant, string Plan)[] s_plans =
    [
        ("acme", "look pay put pay look pay put pay pay look"),
        ("acme", "pay+put pay look+pay put+put pay pay+pay look pay"),
        ("globex", "send pay send look send pay put send"),
        ("globex", "pay sleep:700 pay put sleep:300 pay look pay"),
        ("acme", "pay child:pay,put,send,pay look pay child:look,pay pay"),
        (Tight, "pay look pay put pay look pay pay put pay"),
    ];

    /// <summary>The work of the mixed scenarios.</summary>
    public static (string Tenant, string Plan) Of(int i) => s_plans[i % s_plans.Length];

    /// <summary>Work whose outcome only a person can tell.</summary>
    public static (string Tenant, string Plan) Unprobed => ("globex", "send send send send send send send send");

    /// <summary>Work without anything that asks a person: for databases that may be damaged, where nobody answers.</summary>
    public static (string Tenant, string Plan) Probed(int i) => (i % 2 == 0 ? "acme" : "globex", s_plans[i % 2].Plan);
}
