using System.Net.Http.Headers;

namespace Steward.Providers;

/// <summary>The Messages wire.</summary>
internal sealed record MessagesFormat(Endpoint Endpoint) : WireFormat(Endpoint, new MessagesWriter(Endpoint))
{
    private const string Version = "2023-06-01";

    public override string Name => "anthropic";

    public override void SetHeaders(HttpRequestHeaders headers)
    {
        headers.TryAddWithoutValidation("anthropic-version", Version);
        if (Endpoint.Options.ApiKey is not { } key)
            return;
        headers.TryAddWithoutValidation("x-api-key", key);
        // Gateways and compatible servers look for it in either place.
        if (!Wire.IsHost(Endpoint.Url, "anthropic.com"))
            headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
    }

    public override WireReader NewReader() => new MessagesReader(Endpoint);

    public override bool Takes(string mediaType, bool isReference) => MessagesWriter.Takes(mediaType, isReference);
}
