using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.AI;

namespace Steward.Providers.Tests.OnTheWire;

/// <summary>A transport without a network: each request gets the same bytes.</summary>
internal sealed class CannedAnswer(Func<Stream> body, string type) : HttpMessageHandler
{
    public List<string> Requests { get; } = [];

    public static IChatClient Client(Api api, byte[] body, string type = "text/event-stream") =>
        Client(api, () => new MemoryStream(body), type);

    public static IChatClient Client(Api api, Func<Stream> body, string type = "text/event-stream", long? maxBytes = null)
    {
        var options = new ProviderOptions { Handler = new CannedAnswer(body, type) };
        return Clients.Create(api, maxBytes is { } most ? options with { MaxAnswerBytes = most } : options);
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Requests.Add(await request.Content!.ReadAsStringAsync(cancellationToken));
        var content = new StreamContent(body());
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
    }
}
