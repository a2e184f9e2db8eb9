using System.Buffers;
using System.Text.Json;
using Steward.Journal;

namespace Steward.Providers;

/// <summary>An event of an answer. The data is valid until the next one is read.</summary>
/// <param name="Name">The event's name, if it has one.</param>
/// <param name="Data">The data's bytes.</param>
/// <param name="IsWhole">Whether it is the whole answer, as plain JSON.</param>
internal readonly record struct ServerEvent(string? Name, ReadOnlyMemory<byte> Data, bool IsWhole)
{
    /// <summary>Whether it is the mark with which Chat Completions end a stream.</summary>
    public bool IsDone => !IsWhole && Data.Span.Trim((byte)' ').SequenceEqual("[DONE]"u8);
}

/// <summary>Reads an answer's bytes as server-sent events, or as plain JSON, whatever was asked for and announced: gateways answer either
/// with the other.</summary>
/// <remarks>
/// Every buffer has its bound before it grows: the answer's bytes, a line, a plain answer. Beyond the standard it takes a line of bare JSON
/// for data, and data lines that each hold a whole value for events of their own. It also takes the last event of a stream that ends
/// without an empty line, if its data is whole.
/// </remarks>
internal sealed class ServerEvents(Stream body, Wire wire) : IDisposable
{
    /// <summary>The longest line, in bytes. A line is an event, and an event a few tokens.</summary>
    public const int MaxLine = 4 * 1024 * 1024;

    /// <summary>The longest plain answer, in bytes.</summary>
    public const int MaxPlain = 8 * 1024 * 1024;

    private const int FirstBuffer = 16 * 1024;

    private readonly ArrayBufferWriter<byte> _data = new();
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
    private long _read;
    private int _start;
    private int _end;
    private bool _begun;
    private bool _isPlain;
    private bool _ended;
    private bool _skipLineFeed;
    private bool _isReported;
    private int _dataLines;
    private string? _name;

    /// <summary>Whether the answer is a page, not one of an API.</summary>
    public bool IsMarkup { get; private set; }

    /// <summary>The next event; null at the end.</summary>
    public async ValueTask<ServerEvent?> NextAsync(CancellationToken cancellationToken)
    {
        if (_isReported)
        {
            _data.ResetWrittenCount();
            (_isReported, _name, _dataLines) = (false, null, 0);
        }

        if (!_begun)
            await BeginAsync(cancellationToken);
        if (_isPlain)
            return await PlainAsync(cancellationToken);
        int searched = _start;
        while (true)
        {
            int at = _buffer.AsSpan(searched, _end - searched).IndexOfAny((byte)'\n', (byte)'\r');
            if (at >= 0)
            {
                int lineEnd = searched + at;
                ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, lineEnd - _start);
                bool isSplit = _skipLineFeed && line.IsEmpty && _buffer[lineEnd] == '\n';
                _skipLineFeed = _buffer[lineEnd] == '\r';
                if (isSplit)
                    _start = searched = lineEnd + 1;
                else if (Take(line.Span, lineEnd + 1, out bool again))
                    return Report();
                else
                    searched = again ? searched : _start;
                continue;
            }

            searched = _end;
            if (_end - _start > MaxLine)
                throw TooLong("a line of the answer is longer than", MaxLine);
            int moved = _start;
            if (!await FillAsync(cancellationToken))
                return AtEnd();
            searched -= moved - _start;
        }
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        body.Dispose();
    }

    private async ValueTask BeginAsync(CancellationToken cancellationToken)
    {
        _begun = true;
        while (true)
        {
            if (_end - _start >= 3 && _buffer.AsSpan(_start, 3).SequenceEqual("\uFEFF"u8))
                _start += 3;
            int first = _buffer.AsSpan(_start, _end - _start).IndexOfAnyExcept(" \t\r\n"u8);
            if (first >= 0 && (_buffer[_start + first] != 0xEF || _end - _start - first >= 3))
            {
                _isPlain = _buffer[_start + first] is (byte)'{' or (byte)'[';
                IsMarkup = _buffer[_start + first] == '<';
                return;
            }

            if (_end - _start > MaxLine)
                throw TooLong("the answer begins with more white space than", MaxLine);
            if (!await FillAsync(cancellationToken))
                return;
        }
    }

    private async ValueTask<ServerEvent?> PlainAsync(CancellationToken cancellationToken)
    {
        if (_ended)
            return null;
        while (await FillAsync(cancellationToken))
        {
            if (_end - _start > MaxPlain)
                throw TooLong("the answer is longer than", MaxPlain);
        }

        return new ServerEvent(null, _buffer.AsMemory(_start, _end - _start), IsWhole: true);
    }

    /// <summary>Takes a line in; true when an event is whole with it. A line that begins the next event is left for then.</summary>
    private bool Take(ReadOnlySpan<byte> line, int next, out bool again)
    {
        again = false;
        if (line.IsEmpty)
        {
            _start = next;
            bool whole = _data.WrittenCount > 0;
            if (!whole)
                (_name, _dataLines) = (null, 0);
            return whole;
        }

        if (Value(line, "data:"u8, out ReadOnlySpan<byte> value) || (line[0] is (byte)'{' or (byte)'[' && !(value = line).IsEmpty))
        {
            if (_dataLines == 1 && IsWholeJson(_data.WrittenSpan))
            {
                again = true;
                _skipLineFeed = false;
                return true;
            }

            if (_data.WrittenCount + value.Length > MaxLine)
                throw TooLong("an event of the answer is longer than", MaxLine);
            if (_dataLines++ > 0)
                _data.Write("\n"u8);
            _data.Write(value);
        }
        else if (Value(line, "event:"u8, out value))
        {
            _name = value.Length <= 64 ? System.Text.Encoding.UTF8.GetString(value) : null;
        }

        _start = next;
        return false;
    }

    private ServerEvent Report()
    {
        _isReported = true;
        return new ServerEvent(_name, _data.WrittenMemory, IsWhole: false);
    }

    /// <summary>The end of the bytes: what stands there without its line end counts if it is whole.</summary>
    private ServerEvent? AtEnd()
    {
        ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, _end - _start);
        if (!line.IsEmpty && Take(line.Span, _end, out _))
            return Report();
        if (_data.WrittenCount == 0)
            return null;
        return IsWholeJson(_data.WrittenSpan) || new ServerEvent(null, _data.WrittenMemory, false).IsDone ? Report() : null;
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_ended)
            return false;
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.AsSpan(0, _end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        int read = await body.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
        _read += read;
        _end += read;
        _ended = read == 0;
        if (_read > wire.Options.MaxAnswerBytes)
            throw TooLong("the answer is longer than", wire.Options.MaxAnswerBytes);
        return !_ended;
    }

    private Steward.Models.ModelException TooLong(string what, long bytes) =>
        wire.Error(ModelFailure.InvalidResponse, $"{what} {bytes} bytes, so the rest was not read.");

    private static bool Value(ReadOnlySpan<byte> line, ReadOnlySpan<byte> field, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!line.StartsWith(field))
            return false;
        value = line[field.Length..];
        if (!value.IsEmpty && value[0] == ' ')
            value = value[1..];
        return true;
    }

    private static bool IsWholeJson(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        try
        {
            return reader.Read() && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
