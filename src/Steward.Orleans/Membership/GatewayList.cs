using Orleans.Messaging;

namespace Steward.Orleans.Membership;

/// <summary>Tells clients which silos take them.</summary>
internal sealed class GatewayList(SiloRows rows, StewardOrleansOptions options) : IGatewayListProvider
{
    public TimeSpan MaxStaleness => options.MembershipRefresh;

    public bool IsUpdatable => true;

    public Task InitializeGatewayListProvider() => rows.StartAsync(create: false);

    public Task<IList<Uri>> GetGateways() => rows.GatewaysAsync();
}
