using System.Net.Http.Headers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Steward.Providers;

/// <summary>Changes the JSON of a request on its way out, where the SDK's adapter has no place for it.</summary>
internal sealed class RequestRewriteHandler(Action<JsonObject> rewrite) : DelegatingHandler
{
    private const int MaxDepth = 1_000;

    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is { } content)
        {
            var json = await content.ReadAsByteArrayAsync(cancellationToken);
            if (JsonNode.Parse(json, documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth }) is JsonObject body)
            {
                rewrite(body);
                request.Content = Write(body);
            }
        }

        return await base.SendAsync(request, cancellationToken);
    }

    private static ByteArrayContent Write(JsonObject body)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Writing))
            body.WriteTo(writer);

        var content = new ByteArrayContent(stream.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }
}
