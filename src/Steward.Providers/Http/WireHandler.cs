using System.Diagnostics;
using System.Net.Http.Headers;
using Steward.Journal;

namespace Steward.Providers;

// Everything that both wires have in common below their JSON is here, the one place that still sees the headers. It covers extra headers,
// time-outs, error statuses with Retry-After, refused connections and bodies that break off.
internal sealed class WireHandler(Wire wire) : DelegatingHandler
{
    private readonly ProviderOptions _options = wire.Options;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        SetHeaders(request.Headers);
        var deadline = new Deadline(_options.Timeout, _options.Time);
        try
        {
            var response = await SendBeforeAsync(deadline, request, cancellationToken);
            var body = new GuardedStream(
                await response.Content.ReadAsStreamAsync(cancellationToken), deadline, IdleLimit(response.Content), wire);
            response.Content = Replace(response.Content, body);
            if (response.IsSuccessStatusCode)
                return response;

            using (response)
                throw await ErrorAnswer.ReadAsync(response, wire, cancellationToken);
        }
        catch
        {
            deadline.Dispose();
            throw;
        }
    }

    private async Task<HttpResponseMessage> SendBeforeAsync(
        Deadline deadline,
        HttpRequestMessage request,
        CancellationToken cancellationToken)
    {
        using var linked = deadline.Start(Timeout.InfiniteTimeSpan, cancellationToken);
        try
        {
            return await base.SendAsync(request, linked.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw wire.Error(ModelFailure.Timeout, $"no answer within {_options.Timeout}.", exception);
        }
        catch (HttpRequestException exception)
        {
            // Before a connection stands, the provider cannot have worked, and so cannot charge.
            var unreached = exception.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;
            throw wire.Error(
                ModelFailure.Unavailable,
                unreached
                    ? $"could not be reached ({exception.HttpRequestError})."
                    : $"the connection broke before an answer ({exception.HttpRequestError}).",
                exception,
                notBilled: unreached);
        }
    }

    private void SetHeaders(HttpRequestHeaders headers)
    {
        foreach (var (name, value) in _options.Headers)
        {
            headers.Remove(name);
            headers.TryAddWithoutValidation(name, value);
        }
    }

    private TimeSpan IdleLimit(HttpContent content) =>
        content.Headers.ContentType?.MediaType == "text/event-stream" ? _options.IdleTimeout : Timeout.InfiniteTimeSpan;

    private static StreamContent Replace(HttpContent content, Stream body)
    {
        var replacement = new StreamContent(body);
        foreach (var (name, values) in content.Headers)
            replacement.Headers.TryAddWithoutValidation(name, values);

        Debug.Assert(content.Headers.ContentType?.MediaType == replacement.Headers.ContentType?.MediaType, "The body keeps its type.");
        return replacement;
    }
}
