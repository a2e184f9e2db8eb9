using System.Collections;
using System.Data.Common;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Steward.Tools.Declarative;

/// <summary>What a statement brought, up to its bounds.</summary>
internal sealed class SqlRows
{
    private readonly List<object?[]> _rows = [];

    public string[] Columns { get; private init; } = [];

    public IReadOnlyList<object?[]> Rows => _rows;

    public bool Truncated { get; private set; }

    /// <summary>Whether a cell is not there whole.</summary>
    public bool IsCut { get; private set; }

    public int Changed { get; private set; }

    /// <param name="reader">The rows.</param>
    /// <param name="call">The bounds.</param>
    /// <param name="toTheEnd">Whether to read on beyond the bounds: only at its end has a statement that also writes done all.</param>
    /// <param name="streams">Whether the driver gives large cells piece by piece.</param>
    /// <param name="cancellationToken">Stops between two rows.</param>
    public static async Task<SqlRows> ReadAsync(
        DbDataReader reader,
        SqlCall call,
        bool toTheEnd,
        bool streams,
        CancellationToken cancellationToken)
    {
        var result = new SqlRows { Columns = Names(reader) };
        var cells = new SqlCells(reader, call.MaxBytes, streams);
        while (await reader.ReadAsync(cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (result._rows.Count == call.MaxRows || cells.Left <= 0)
            {
                result.Truncated = true;
                if (!toTheEnd)
                    return result;
                continue;
            }

            var row = new object?[result.Columns.Length];
            for (int i = 0; i < row.Length; i++)
                row[i] = await reader.IsDBNullAsync(i, cancellationToken) ? null : await cells.ReadAsync(i, cancellationToken);
            result._rows.Add(row);
            result.IsCut |= cells.Cut;
        }

        await reader.CloseAsync();
        result.Changed = Math.Max(0, reader.RecordsAffected);
        return result;
    }

    public string ToJson(bool wrote) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        if (wrote)
            json.WriteNumber("changed", Changed);
        if (!wrote || Columns.Length > 0)
        {
            json.WriteStartArray("rows");
            foreach (object?[] row in _rows)
                WriteRow(json, row);
            json.WriteEndArray();
            json.WriteNumber("count", _rows.Count);
            json.WriteBoolean("truncated", Truncated || IsCut);
        }

        json.WriteEndObject();
    });

    public void WriteRow(Utf8JsonWriter json, object?[] row)
    {
        json.WriteStartObject();
        for (int i = 0; i < row.Length; i++)
        {
            json.WritePropertyName(Columns[i]);
            WriteValue(json, row[i]);
        }

        json.WriteEndObject();
    }

    public static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null or DBNull:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case long or int or short or byte or sbyte or ushort or uint:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case ulong number:
                json.WriteNumberValue(number);
                break;
            case decimal number:
                json.WriteNumberValue(number);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case float number when float.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case byte[] data:
                json.WriteBase64StringValue(data);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case IEnumerable items:
                json.WriteStartArray();
                foreach (object? item in items)
                    WriteValue(json, item);
                json.WriteEndArray();
                break;
            default:
                json.WriteStringValue(Text(value));
                break;
        }
    }

    private static string Text(object value) => value switch
    {
        DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
        DateOnly date => date.ToString("O", CultureInfo.InvariantCulture),
        TimeOnly time => time.ToString("O", CultureInfo.InvariantCulture),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>The columns' names; a name that comes again gets a number, for JSON keeps only one of each.</summary>
    private static string[] Names(DbDataReader reader)
    {
        var names = new string[reader.FieldCount];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < names.Length; i++)
        {
            string name = reader.GetName(i);
            for (int n = 2; !seen.Add(name); n++)
                name = $"{reader.GetName(i)}_{n}";
            names[i] = name;
        }

        return names;
    }
}
