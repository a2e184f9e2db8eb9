using System.Net;
using System.Net.Http.Headers;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace Steward.Diagnostics.Alerts;

/// <summary>Posts one alert at a time: signed, within a time limit, and again while that can help.</summary>
internal sealed class AlertWebhook : IDisposable
{
    private readonly Uri _url;
    private readonly string? _secret;
    private readonly TimeProvider _time;
    private readonly ResiliencePipeline _pipeline;
    private readonly HttpClient _http;

    public AlertWebhook(Uri url, string? secret, AlertDeliveryOptions options, TimeProvider time)
    {
        _url = url;
        _secret = secret;
        _time = time;
        _pipeline = CreatePipeline(options, time);
        // A redirect is not followed: the body and its signature are for the address that the operator named.
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Steward", null));
    }

    /// <summary>The receiver as a log may name it: the path and the query of a webhook are often its password.</summary>
    public string Receiver => _url.Authority;

    /// <summary>Posts an alert.</summary>
    /// <exception cref="HttpRequestException">No attempt was answered with 2xx.</exception>
    /// <exception cref="TimeoutRejectedException">The last attempt was not answered in time.</exception>
    public async Task PostAsync(AlertMessage alert, CancellationToken cancellationToken)
    {
        byte[] body = alert.ToJson();
        await _pipeline.ExecuteAsync(async token => await AttemptAsync(body, token), cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private async Task AttemptAsync(byte[] body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (_secret is not null)
            request.Headers.Add(AlertSignature.Header, AlertSignature.Create(_secret, _time.GetUtcNow(), body));
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private static ResiliencePipeline CreatePipeline(AlertDeliveryOptions options, TimeProvider time)
    {
        var builder = new ResiliencePipelineBuilder { TimeProvider = time };
        if (options.Retries > 0)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = options.Retries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = options.Delay,
                MaxDelay = options.MaxDelay,
                ShouldHandle = new PredicateBuilder().Handle<HttpRequestException>(CanHelp).Handle<TimeoutRejectedException>(),
            });
        }

        return builder.AddTimeout(options.Timeout).Build();
    }

    private static bool CanHelp(HttpRequestException e) =>
        e.StatusCode is null or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;
}
