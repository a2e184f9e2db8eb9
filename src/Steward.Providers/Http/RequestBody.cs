using System.Net;
using System.Net.Http.Headers;

namespace Steward.Providers;

/// <summary>A request's JSON as a list of segments: the messages' bytes are the kept ones, not copies.</summary>
internal sealed class RequestBody : HttpContent
{
    private readonly List<ReadOnlyMemory<byte>> _segments;
    private readonly long _length;

    public RequestBody(List<ReadOnlyMemory<byte>> segments)
    {
        _segments = segments;
        foreach (ReadOnlyMemory<byte> segment in segments)
            _length += segment.Length;
        Headers.ContentType = new MediaTypeHeaderValue("application/json");
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        foreach (ReadOnlyMemory<byte> segment in _segments)
            await stream.WriteAsync(segment, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _length;
        return true;
    }
}
