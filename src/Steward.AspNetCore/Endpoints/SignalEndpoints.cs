using Microsoft.AspNetCore.Routing;
using Steward.AspNetCore.Contract;
using Steward.AspNetCore.Http;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Endpoints;

/// <summary>What can be sent to a run: a further message, a cancel, news of something that
/// it waits for by name. Each is durable when it is answered, and applied once.</summary>
internal sealed class SignalEndpoints(Api api)
{
    public void Map(RouteGroupBuilder group)
    {
        api.Map(group, "POST", "/v1/runs/{id}/messages", MessageAsync, RequestKind.Write);
        api.Map(group, "POST", "/v1/runs/{id}/cancel", CancelAsync, RequestKind.Control);
        api.Map(group, "POST", "/v1/runs/{id}/signals", SignalAsync, RequestKind.Write);
    }

    private async Task MessageAsync(ApiCall call)
    {
        call.KnowsQuery();
        RunInfo run = await call.RunAsync();
        JsonBody body = await JsonBody.ReadAsync(call, "text", "input", "key");
        IReadOnlyList<ContentPart> input = body.Input("text", "input");
        await AnswerAsync(call, run, await api.Client.Get(run.Run).SendAsync(input, Id(call, body, "message"), CancellationToken.None));
    }

    private async Task CancelAsync(ApiCall call)
    {
        call.KnowsQuery();
        RunInfo run = await call.RunAsync();
        JsonBody body = await JsonBody.ReadAsync(call, "reason", "key");
        SignalResult sent = await api.Client.Get(run.Run).CancelAsync(
            call.Caller.Name, body.OptionalText("reason"), Id(call, body, "cancel"), CancellationToken.None);
        if (sent == SignalResult.RunEnded && (await call.RunAsync()).Status == RunStatus.Cancelled)
            sent = SignalResult.Duplicate;
        await AnswerAsync(call, run, sent);
    }

    private async Task SignalAsync(ApiCall call)
    {
        call.KnowsQuery();
        RunInfo run = await call.RunAsync();
        JsonBody body = await JsonBody.ReadAsync(call, "name", "payload", "key");
        string name = body.Name("name");
        await AnswerAsync(
            call,
            run,
            await api.Client.Get(run.Run).SignalAsync(name, body.OptionalValue("payload"), Id(call, body, "signal"),
                CancellationToken.None));
    }

    /// <summary>A client's key as a signal's id: apart from the runtime's own ids, and from those of another kind.</summary>
    private static string? Id(ApiCall call, JsonBody body, string kind) =>
        call.Key(body.OptionalName("key"), "key") is { } key ? $"http-{kind}:{key}" : null;

    private static async Task AnswerAsync(ApiCall call, RunInfo run, SignalResult sent)
    {
        if (sent == SignalResult.UnknownRun)
            throw Refused.NoRun(run.Run.ToString());
        if (sent == SignalResult.RunEnded)
            throw Refused.Ended(await call.RunAsync());
        await call.JsonAsync(
            sent == SignalResult.Duplicate ? 200 : 202,
            new SentDocument(run.Run.ToString(), Wire.Word(sent)),
            ApiJson.Readable.SentDocument);
    }
}
