using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Steward.AspNetCore.Contract;
using Steward.AspNetCore.Http;

namespace Steward.AspNetCore.Endpoints;

/// <summary><c>/healthz</c> and <c>/readyz</c>, for load balancers and orchestrators.</summary>
internal sealed class HealthEndpoints(Api api)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    public void Map(RouteGroupBuilder group)
    {
        group.MapMethods("/healthz", ["GET"], (RequestDelegate)(context => AnswerAsync(context, 200, new ReadinessDocument("alive"))));
        group.MapMethods("/readyz", ["GET"], (RequestDelegate)ReadyAsync);
    }

    private async Task ReadyAsync(HttpContext context)
    {
        if (api.Stopping.IsCancellationRequested)
        {
            await AnswerAsync(context, 503, new ReadinessDocument("not_ready", "stopping"));
            return;
        }

        bool answers = await AnswersAsync();
        await AnswerAsync(
            context,
            answers ? 200 : 503,
            answers ? new ReadinessDocument("ready") : new ReadinessDocument("not_ready", "database"));
    }

    private async Task<bool> AnswersAsync()
    {
        using var patience = new CancellationTokenSource(s_patience, api.Time);
        try
        {
            await api.Store.SwitchesAsync(patience.Token).AsTask().WaitAsync(patience.Token);
            return true;
        }
        catch (Exception e)
        {
            // Whatever it is: the caller needs a plain no, and the log the cause.
            Log.NotReady(api.Logger, e);
            return false;
        }
    }

    private static Task AnswerAsync(HttpContext context, int status, ReadinessDocument document)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        return JsonSerializer.SerializeAsync(context.Response.Body, document, ApiJson.Readable.ReadinessDocument, context.RequestAborted);
    }
}
