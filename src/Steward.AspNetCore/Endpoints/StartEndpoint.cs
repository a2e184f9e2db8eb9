using Microsoft.AspNetCore.Routing;
using Steward.AspNetCore.Http;
using Steward.Client;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Endpoints;

/// <summary><c>POST /v1/runs</c>: once it has answered, the run is durable, whichever node works on it.</summary>
internal sealed class StartEndpoint(Api api)
{
    private static readonly string[] s_fields =
        ["agent", "input", "key", "session", "session_policy", "user", "tenant", "labels", "ceilings"];

    public void Map(RouteGroupBuilder group) => api.Map(group, "POST", "/v1/runs", StartAsync, RequestKind.Write);

    private async Task StartAsync(ApiCall call)
    {
        call.KnowsQuery();
        if (api.Stopping.IsCancellationRequested)
            throw Refused.Stopping();
        JsonBody body = await JsonBody.ReadAsync(call, s_fields);
        string agent = body.Name("agent");
        RunRequest request = Request(call, body);
        if (api.Agents.Find(agent) is null)
            throw Refused.NoAgent(agent, api.Agents.Names);

        // Not the request's token: a client that hangs up shall not leave a start half asked for.
        StartOutcome started = await api.Client.StartOrFindAsync(agent, request, CancellationToken.None);
        RunInfo run = (await started.Run.GetInfoAsync(call.Aborted))!;
        call.Context.Response.Headers.Location =
            $"{call.Context.Request.PathBase}{call.Context.Request.Path.Value!.TrimEnd('/')}/{run.Run}";
        await call.JsonAsync(started.IsNew ? 201 : 200, RunDocument.Of(run), ContractJson.Compact<RunDocument>());
    }

    private static RunRequest Request(ApiCall call, JsonBody body)
    {
        JsonBody? ceilings = body.Inner("ceilings", "usd", "tokens", "model_calls", "tool_calls");
        string? session = body.OptionalName("session");
        SessionPolicy policy = body.OptionalWord("session_policy", SessionPolicy.Parallel);
        if (policy != SessionPolicy.Parallel && session is null)
            throw Refused.Invalid(
                "session_policy",
                Wire.Word(policy),
                "'session_policy' says what happens when the session is busy, and there is no 'session'. Give one, or leave the policy out.");
        return new RunRequest(body.Input("input"))
        {
            Tenant = call.Tenant(body.OptionalName("tenant"), "default")!,
            User = body.OptionalName("user"),
            By = call.Caller.Name,
            Labels = body.OptionalLabels("labels"),
            Session = session,
            SessionPolicy = policy,
            Key = call.Key(body.OptionalName("key"), "key"),
            Ceilings = ceilings is null ? null : new BudgetCeilings
            {
                Usd = ceilings.OptionalNumber("usd", 0, 1_000_000_000),
                Tokens = ceilings.OptionalCount("tokens"),
                ModelCalls = ceilings.OptionalCount("model_calls"),
                ToolCalls = ceilings.OptionalCount("tool_calls"),
            },
        };
    }
}
