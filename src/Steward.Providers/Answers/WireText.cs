using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Steward.Providers;

/// <summary>Text as providers send it: with bytes that are not UTF-8, and with surrogates whose other half comes later or never.</summary>
/// <remarks>The runtime's own JSON reader refuses such text. It is kept here as it came until both halves had their chance, and mended
/// then.</remarks>
internal static class WireText
{
    private const char Replacement = '\uFFFD';

    /// <summary>The text of a string, lone surrogates included; of a number or a boolean its JSON; null for anything else.</summary>
    public static string? Of(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => Decode(JsonMarshal.GetRawUtf8Value(element)[1..^1]),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => Raw(element),
        _ => null,
    };

    /// <summary>The text of a property that is a string or a number and not empty; null otherwise.</summary>
    public static string? Of(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value)
        && value.ValueKind is JsonValueKind.String or JsonValueKind.Number && Of(value) is { Length: > 0 } text
            ? text
            : null;

    /// <summary>The JSON of an element, as it came.</summary>
    public static string Raw(JsonElement element) => Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(element));

    /// <summary>The text with each lone surrogate replaced.</summary>
    public static string Mend(string text)
    {
        int first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (first < 0)
            return text;
        char[] chars = text.ToCharArray();
        bool changed = false;
        for (int i = first; i < chars.Length; i++)
        {
            if (!char.IsSurrogate(chars[i]))
                continue;
            if (char.IsHighSurrogate(chars[i]) && i + 1 < chars.Length && char.IsLowSurrogate(chars[i + 1]))
            {
                i++;
                continue;
            }

            chars[i] = Replacement;
            changed = true;
        }

        return changed ? new string(chars) : text;
    }

    /// <summary>JSON text with each lone surrogate replaced, those that are written as escapes included.</summary>
    public static string MendJson(string json)
    {
        json = Mend(json);
        if (!json.Contains("\\u", StringComparison.Ordinal))
            return json;
        StringBuilder? mended = null;
        int copied = 0;
        for (int i = json.IndexOf('\\', StringComparison.Ordinal); i >= 0 && i < json.Length; i = Next(json, i))
        {
            if (Escape(json, i) is not { } unit || !char.IsSurrogate(unit))
            {
                i += 2;
                continue;
            }

            if (char.IsHighSurrogate(unit) && Escape(json, i + 6) is { } low && char.IsLowSurrogate(low))
            {
                i += 12;
                continue;
            }

            (mended ??= new StringBuilder(json.Length)).Append(json, copied, i - copied).Append("\\ufffd");
            i += 6;
            copied = i;
        }

        return mended is null ? json : mended.Append(json, copied, json.Length - copied).ToString();

        static int Next(string json, int from) => from >= json.Length ? -1 : json.IndexOf('\\', from);
    }

    /// <summary>The bytes of one JSON value, made readable: bytes that are not UTF-8, and names with a lone surrogate, are
    /// mended.</summary>
    public static ReadOnlyMemory<byte> Readable(ReadOnlyMemory<byte> json)
    {
        if (!Utf8.IsValid(json.Span))
            json = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(json.Span));
        return HasLoneSurrogateInAName(json.Span) ? Encoding.UTF8.GetBytes(MendJson(Encoding.UTF8.GetString(json.Span))) : json;
    }

    private static bool HasLoneSurrogateInAName(ReadOnlySpan<byte> json)
    {
        if (json.IndexOf("\\ud"u8) < 0 && json.IndexOf("\\uD"u8) < 0)
            return false;
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName || !reader.ValueIsEscaped)
                    continue;
                string name = Decode(reader.ValueSpan);
                if (Mend(name) != name)
                    return true;
            }
        }
        catch (JsonException)
        {
            // The next parser says so.
        }

        return false;
    }

    private static char? Escape(string json, int at) =>
        at + 6 <= json.Length && json[at] == '\\' && json[at + 1] == 'u'
        && ushort.TryParse(json.AsSpan(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit)
            ? (char)unit
            : null;

    private static string Decode(ReadOnlySpan<byte> raw)
    {
        if (raw.IndexOf((byte)'\\') < 0)
            return Encoding.UTF8.GetString(raw);
        char[] rented = ArrayPool<char>.Shared.Rent(raw.Length);
        int length = 0;
        while (!raw.IsEmpty)
        {
            int plain = raw.IndexOf((byte)'\\');
            if (plain < 0)
                plain = raw.Length;
            length += Encoding.UTF8.GetChars(raw[..plain], rented.AsSpan(length));
            raw = raw[plain..];
            if (raw.IsEmpty)
                break;
            rented[length++] = Unescape(raw, out int used);
            raw = raw[used..];
        }

        string text = new(rented, 0, length);
        ArrayPool<char>.Shared.Return(rented);
        return text;
    }

    /// <summary>One escape. The JSON reader has checked its form.</summary>
    private static char Unescape(ReadOnlySpan<byte> escape, out int used)
    {
        used = escape[1] == 'u' ? 6 : 2;
        return (char)escape[1] switch
        {
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => (char)ushort.Parse(escape[2..6], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
            char same => same,
        };
    }
}

/// <summary>Joins pieces of text; the first half of a surrogate pair waits for the second one.</summary>
internal sealed class TextJoiner
{
    private char? _high;

    /// <summary>What of the text so far can be handed on.</summary>
    public string Add(string piece)
    {
        if (piece.Length == 0)
            return piece;
        if (_high is { } high)
            piece = high + piece;
        _high = char.IsHighSurrogate(piece[^1]) ? piece[^1] : null;
        return WireText.Mend(_high is null ? piece : piece[..^1]);
    }

    /// <summary>What is left at the end: nothing, or a half whose other one never came.</summary>
    public string End()
    {
        string rest = _high is null ? "" : "\uFFFD";
        _high = null;
        return rest;
    }
}
