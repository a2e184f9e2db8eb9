using Microsoft.AspNetCore.Routing;
using Steward.AspNetCore.Http;
using Steward.Client;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Endpoints;

/// <summary><c>/v1/kill-switches</c>: for administrators. One of a single tenant has the
/// switches of that tenant and of its runs; others would stop other tenants too.</summary>
internal sealed class SwitchEndpoints(Api api)
{
    public void Map(RouteGroupBuilder group)
    {
        api.Map(group, "GET", "/v1/kill-switches", ListAsync);
        api.Map(group, "PUT", "/v1/kill-switches/{scope}", EngageAsync, RequestKind.Control);
        api.Map(group, "DELETE", "/v1/kill-switches/{scope}", ReleaseAsync, RequestKind.Control);
    }

    private async Task ListAsync(ApiCall call)
    {
        call.KnowsQuery();
        CheckAdministrator(call);
        List<SwitchDocument> switches = [];
        foreach (KillSwitch engaged in await api.Store.SwitchesAsync(call.Aborted))
        {
            if (await IsOwnAsync(call, engaged.Scope))
                switches.Add(SwitchDocument.Of(engaged));
        }

        await call.JsonAsync(200, new SwitchList(switches), ContractJson.Compact<SwitchList>());
    }

    private async Task EngageAsync(ApiCall call)
    {
        call.KnowsQuery();
        string scope = await ScopeAsync(call);
        JsonBody body = await JsonBody.ReadAsync(call, "reason");
        var engaged = new KillSwitch(scope, call.Caller.Name, body.OptionalText("reason"), api.Time.GetUtcNow());
        SwitchOutcome outcome = await api.Client.EngageAsync(engaged, CancellationToken.None);
        // A warning lists what there is, of every tenant; whoever belongs to one has named its own, which is known.
        IReadOnlyList<string> warnings = call.Caller.Tenant is null ? outcome.Warnings : [];
        await call.JsonAsync(
            200, new SwitchChange(scope, true, outcome.Changed) { Warnings = warnings }, ContractJson.Compact<SwitchChange>());
    }

    private async Task ReleaseAsync(ApiCall call)
    {
        call.KnowsQuery();
        string scope = await ScopeAsync(call);
        bool changed = await api.Client.ReleaseAsync(scope, CancellationToken.None);
        await call.JsonAsync(200, new SwitchChange(scope, false, changed), ContractJson.Compact<SwitchChange>());
    }

    private async Task<string> ScopeAsync(ApiCall call)
    {
        CheckAdministrator(call);
        string given = call.Route("scope"), scope;
        try
        {
            scope = KillSwitch.ParseScope(given);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw Refused.Invalid("scope", given, e.Message);
        }

        if (scope.StartsWith("run:", StringComparison.Ordinal))
            await call.RunAsync(scope[4..]);
        return await IsOwnAsync(call, scope)
            ? scope
            : throw Refused.NotAdministrator(
                $"'{scope}' is over more than the tenant '{call.Caller.Tenant}', whose administrator calls. Call with an identity for all tenants, or take 'tenant:{call.Caller.Tenant}'.");
    }

    private void CheckAdministrator(ApiCall call)
    {
        if (!call.IsAdministrator)
            throw Refused.NotAdministrator(
                $"'{call.Caller.Name}' does not bear the role '{api.Options.AdministratorRole}'. Call with an identity that does.");
    }

    private async ValueTask<bool> IsOwnAsync(ApiCall call, string scope)
    {
        if (call.Caller.Tenant is not { } tenant || scope == $"tenant:{tenant}")
            return true;
        return scope.StartsWith("run:", StringComparison.Ordinal)
            && await api.Store.FindAsync(
                new RunQuery { Run = RunId.Parse(scope[4..]), Tenant = tenant, Limit = 1 }, call.Aborted) is [var run]
            && run.Tenant == tenant;
    }
}
