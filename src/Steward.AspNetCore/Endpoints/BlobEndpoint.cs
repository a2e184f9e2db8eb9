using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Steward.AspNetCore.Contract;
using Steward.AspNetCore.Http;
using Steward.Journal;

namespace Steward.AspNetCore.Endpoints;

/// <summary><c>POST /v1/blobs</c>: takes a large attachment, as it is, and answers the part that an input names it by.</summary>
internal sealed class BlobEndpoint(Api api)
{
    public void Map(RouteGroupBuilder group) => api.Map(group, "POST", "/v1/blobs", PutAsync);

    private async Task PutAsync(ApiCall call)
    {
        call.KnowsQuery("tenant");
        HttpRequest request = call.Context.Request;
        string tenant = call.Tenant(call.Query("tenant"), "default")!;
        if (request.ContentType is not { Length: > 0 and <= JsonBody.MostName } type || !MediaTypeHeaderValue.TryParse(type, out _))
            throw Refused.Invalid(
                "Content-Type",
                request.ContentType,
                $"The header 'Content-Type' is '{request.ContentType}'; it must be the attachment's type, such as 'application/pdf'.");
        if (call.Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = api.Options.MaxBlobSize + 1L;
        ReadOnlyMemory<byte> bytes = await JsonBody.ReadAsync(
            request, api.Options.MaxBlobSize, nameof(StewardApiOptions.MaxBlobSize), call.Aborted);
        if (bytes.IsEmpty)
            throw Refused.Invalid("body", "", "The body is empty; send the attachment's bytes as they are.");

        // Not the request's token: what is half kept helps nobody.
        using var content = new MemoryStream(bytes.ToArray(), writable: false);
        BlobPart part = await api.Client.PutBlobAsync(content, type, tenant, CancellationToken.None);
        await call.JsonAsync(
            201,
            new BlobDocument("blob", part.Hash, part.MediaType, part.Length, part.Pages),
            ApiJson.Readable.BlobDocument);
    }
}
