using System.Text;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;
using Steward.Tests.Shared;

namespace Steward.Providers.Tests.OnTheWire;

/// <summary>Answers without an end: what they take of memory has a bound, and the bound a number.</summary>
public sealed class BoundTests(ITestOutputHelper output)
{
    private const long MegaByte = 1024 * 1024;

    [Theory]
    [InlineData(Api.OpenAI, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n")]
    [InlineData(Api.OpenAI, "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"abcdefgh\"}}]}\n\n")]
    [InlineData(Api.OpenAI, "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"x\",\"arguments\":\"1\"}}]}}]}\n\n")]
    [InlineData(Api.OpenAI, "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"x\",\"arguments\":\"{}\"}},{\"function\":{\"name\":\"y\"}}]}}]}\n\n")]
    [InlineData(Api.OpenAI, ": keep-alive\n\n")]
    [InlineData(Api.OpenAI, "data: {\n")]
    [InlineData(Api.Anthropic, "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"x\",\"input\":{}}}\n\n")]
    [InlineData(Api.Anthropic, "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n")]
    [InlineData(Api.Anthropic, "data: {\"type\":\"ping\"}\n\n")]
    public Task Stream_Endless_IsGivenUp(Api api, string again) => GivenUpAsync(api, "", again);

    [Theory]
    [InlineData(Api.OpenAI, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", "aaaaaaaaaaaaaaaa")]
    [InlineData(Api.OpenAI, "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"", "aaaaaaaaaaaaaaaa")]
    [InlineData(Api.OpenAI, "[", "1,")]
    [InlineData(Api.OpenAI, "", " ")]
    [InlineData(Api.Anthropic, "event: ", "aaaaaaaaaaaaaaaa")]
    public Task Line_Endless_IsGivenUp(Api api, string start, string again) => GivenUpAsync(api, start, again);

    private async Task GivenUpAsync(Api api, string start, string again)
    {
        // The default at full size; an eighth of it otherwise, which shows the same in less time.
        long most = SuiteSize.Of(8, 64) * MegaByte;
        using IChatClient client = CannedAnswer.Client(api, () => new EndlessStream(start, again), maxBytes: most);
        long before = GC.GetTotalMemory(forceFullCollection: true), peak = 0;
        using var watch = new Timer(_ => peak = Math.Max(peak, GC.GetTotalMemory(false)), null, 0, 20);
        List<ChatResponseUpdate> kept = [];

        var error = await Assert.ThrowsAsync<ModelException>(async () =>
        {
            // The updates are kept, as the runtime keeps them.
            CancellationToken token = TestContext.Current.CancellationToken;
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("hi", cancellationToken: token))
                kept.Add(update);
        });

        long held = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"held {held / MegaByte} MB in {kept.Count} updates, at most {(peak - before) / MegaByte} MB with garbage; {error.Message}");
        Assert.Equal(ModelFailure.InvalidResponse, error.Failure);
        Assert.InRange(held, long.MinValue, 64 * MegaByte);
        Assert.InRange(kept.Count, 0, 100_000);
    }

    private sealed class EndlessStream(string start, string again) : Stream
    {
        private readonly byte[] _start = Encoding.UTF8.GetBytes(start);
        private readonly byte[] _again = Encoding.UTF8.GetBytes(again);
        private long _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            for (int i = 0; i < count; i++, _at++)
                buffer[offset + i] = _at < _start.Length ? _start[_at] : _again[(_at - _start.Length) % _again.Length];
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
