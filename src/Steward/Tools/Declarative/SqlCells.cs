using System.Collections;
using System.Data.Common;
using System.Text;

namespace Steward.Tools.Declarative;

/// <summary>Reads the cells of a result up to a number of bytes; a cell beyond it is cut, or left out where it cannot be.</summary>
/// <param name="reader">The rows, read from left to right.</param>
/// <param name="maxBytes">Most bytes of all cells, as UTF-8.</param>
/// <param name="streams">Whether the driver gives large cells piece by piece; otherwise it has them whole anyway.</param>
internal sealed class SqlCells(DbDataReader reader, int maxBytes, bool streams)
{
    private const int SmallCell = 8;
    private const string Mark = "… [cut off]";

    /// <summary>How many bytes may still be read.</summary>
    public long Left { get; private set; } = maxBytes;

    /// <summary>Whether any cell was cut.</summary>
    public bool Cut { get; private set; }

    /// <summary>Reads a cell that is not null.</summary>
    public async ValueTask<object?> ReadAsync(int column, CancellationToken cancellationToken)
    {
        Type type = streams ? reader.GetFieldType(column) : typeof(object);
        if (type == typeof(string))
            return await TextAsync(column, cancellationToken);
        if (type == typeof(byte[]))
            return await BytesAsync(column, cancellationToken);
        return reader.GetValue(column) switch
        {
            string text => Text(text, isWhole: true),
            byte[] data => Bytes(data, isWhole: true),
            IEnumerable items => Items(items),
            { } other => Small(other),
        };
    }

    private async ValueTask<string> TextAsync(int column, CancellationToken cancellationToken)
    {
        using TextReader text = reader.GetTextReader(column);
        var piece = new char[Math.Clamp(Left, 1, 4_096)];
        var read = new StringBuilder();
        while (read.Length <= Left)
        {
            int count = await text.ReadAsync(piece, cancellationToken);
            if (count == 0)
                return Text(read.ToString(), isWhole: true);
            read.Append(piece, 0, count);
        }

        return Text(read.ToString(), isWhole: false);
    }

    private async ValueTask<byte[]> BytesAsync(int column, CancellationToken cancellationToken)
    {
        await using Stream data = reader.GetStream(column);
        var piece = new byte[Math.Clamp(Left, 1, 16_384)];
        using var read = new MemoryStream();
        while (read.Length <= Left)
        {
            int count = await data.ReadAsync(piece, cancellationToken);
            if (count == 0)
                return Bytes(read.ToArray(), isWhole: true);
            read.Write(piece, 0, count);
        }

        return Bytes(read.ToArray(), isWhole: false);
    }

    private string Text(string text, bool isWhole)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        if (isWhole && bytes <= Left)
        {
            Left -= bytes;
            return text;
        }

        Cut = true;
        int left = (int)Math.Max(0, Left);
        Left = 0;
        var kept = new StringBuilder();
        foreach (Rune rune in text.EnumerateRunes())
        {
            if ((left -= rune.Utf8SequenceLength) < 0)
                break;
            kept.Append(rune.ToString());
        }

        return kept.Append(Mark).ToString();
    }

    private byte[] Bytes(byte[] data, bool isWhole)
    {
        if (isWhole && data.Length <= Left)
        {
            Left -= data.Length;
            return data;
        }

        Cut = true;
        int left = (int)Math.Max(0, Left);
        Left = 0;
        return data[..Math.Min(left, data.Length)];
    }

    private object Items(IEnumerable items)
    {
        int bytes = Encoding.UTF8.GetByteCount(JsonText.Write(json => SqlRows.WriteValue(json, items)));
        if (bytes <= Left)
        {
            Left -= bytes;
            return items;
        }

        Cut = true;
        Left = 0;
        return Mark;
    }

    private object Small(object value)
    {
        Left -= SmallCell;
        return value;
    }
}
