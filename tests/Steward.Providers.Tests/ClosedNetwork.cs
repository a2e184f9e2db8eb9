using System.Text.Json.Nodes;

namespace Steward.Providers.Tests;

/// <summary>A network that nothing leaves: keeps what would have been sent.</summary>
internal sealed class ClosedNetwork : HttpMessageHandler
{
    public Uri? Url { get; private set; }

    public Dictionary<string, string> Headers { get; private set; } = [];

    public JsonObject? Body { get; private set; }

    public string Text { get; private set; } = "";

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Url = request.RequestUri;
        Headers = request.Headers.ToDictionary(
            header => header.Key, header => string.Join(",", header.Value), StringComparer.OrdinalIgnoreCase);
        Body = JsonNode.Parse(await request.Content!.ReadAsStringAsync(cancellationToken))!.AsObject();
        Text = await request.Content!.ReadAsStringAsync(cancellationToken);
        throw new HttpRequestException(HttpRequestError.ConnectionError, "closed");
    }
}
