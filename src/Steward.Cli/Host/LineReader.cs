using System.Threading.Channels;

namespace Steward.Cli.Host;

/// <summary>Lines of the standard input, typed or piped. Read on a thread of their own, for a terminal's reader blocks.</summary>
internal sealed class LineReader
{
    private readonly Channel<string> _lines = Channel.CreateBounded<string>(
        new BoundedChannelOptions(64) { SingleReader = true, SingleWriter = true });
    private Task<string?>? _next;

    public LineReader(TextReader reader)
    {
        var thread = new Thread(() => Read(reader)) { IsBackground = true, Name = "stdin" };
        thread.Start();
    }

    /// <summary>The next line, which stays the next; null at the end.</summary>
    public Task<string?> PeekAsync() => _next ??= NextAsync();

    /// <summary>Takes the next line; null at the end.</summary>
    public async Task<string?> TakeAsync(CancellationToken cancellationToken)
    {
        string? line = await PeekAsync().WaitAsync(cancellationToken);
        _next = null;
        return line;
    }

    private async Task<string?> NextAsync() =>
        await _lines.Reader.WaitToReadAsync() && _lines.Reader.TryRead(out string? line) ? line : null;

    private void Read(TextReader reader)
    {
        while (reader.ReadLine() is { } line)
            _lines.Writer.WriteAsync(line).AsTask().GetAwaiter().GetResult();
        _lines.Writer.Complete();
    }
}
