using System.Net;
using Microsoft.AspNetCore.Http;

namespace Steward.Cli.Serving;

/// <summary>Keeps web pages out of a server that asks for no key: anyone on this machine may call it, a page in their browser may
/// not.</summary>
/// <remarks>
/// A page of another site cannot read an answer, but could send a request; its browser names the page's origin. A name that an
/// attacker points at this machine (DNS rebinding) would make the page the server's own; then the request's host is that name.
/// </remarks>
internal static class LoopbackGuard
{
    public static Task InvokeAsync(HttpContext context, RequestDelegate next) => Refusal(context.Request) is { } why
        ? TypedResults.Problem(
            $"{why} Without API keys it answers requests that this machine makes to 127.0.0.1, [::1] or localhost. To serve others, give it keys: --keys FILE.",
            statusCode: StatusCodes.Status403Forbidden,
            title: "This server is for this machine alone.",
            type: "urn:steward:not_local").ExecuteAsync(context)
        : next(context);

    private static string? Refusal(HttpRequest request)
    {
        string host = request.Host.Host;
        if (host != "localhost" && !(IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address)))
            return $"The request's Host is '{Cut(host)}'.";
        if (request.Headers.Origin.Count > 0
            && request.Headers.Origin.ToString() is var origin
            && !string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase))
            return $"The request comes from a page of the origin '{Cut(origin)}'.";
        return null;
    }

    private static string Cut(string text) => text.Length > 100 ? $"{text[..100]}…" : text;
}
