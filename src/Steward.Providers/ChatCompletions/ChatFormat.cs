using System.Net.Http.Headers;

namespace Steward.Providers;

/// <summary>The Chat Completions wire.</summary>
internal sealed record ChatFormat(Endpoint Endpoint) : WireFormat(Endpoint, new ChatWriter(Endpoint))
{
    public override string Name => "openai";

    public override void SetHeaders(HttpRequestHeaders headers)
    {
        if (Endpoint.Options.ApiKey is not { } key)
            return;
        if (Wire.IsHost(Endpoint.Url, "azure.com"))
            headers.TryAddWithoutValidation("api-key", key);
        else
            headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
    }

    public override WireReader NewReader() => new ChatReader(Endpoint);

    public override bool Takes(string mediaType, bool isReference) => ChatWriter.Takes(mediaType, isReference);
}
