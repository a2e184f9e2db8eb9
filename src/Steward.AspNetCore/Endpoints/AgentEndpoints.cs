using Microsoft.AspNetCore.Routing;
using Steward.AspNetCore.Contract;
using Steward.AspNetCore.Http;

namespace Steward.AspNetCore.Endpoints;

/// <summary><c>GET /v1/agents</c>: what can be started here.</summary>
internal sealed class AgentEndpoints(Api api)
{
    public void Map(RouteGroupBuilder group) => api.Map(group, "GET", "/v1/agents", ListAsync);

    private Task ListAsync(ApiCall call)
    {
        call.KnowsQuery();
        AgentDocument[] agents =
            [.. api.Agents.Names.Order(StringComparer.Ordinal).Select(n => new AgentDocument(n, api.Agents.Find(n)!.Version))];
        return call.JsonAsync(200, new AgentList(agents), ApiJson.Readable.AgentList);
    }
}
