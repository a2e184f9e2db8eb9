using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Steward.JsonSchemas;

/// <summary>What JSON Schema asks of JSON values and .NET does not give: equality, length in code points, short quotes.</summary>
internal static class JsonValues
{
    private const int QuoteLength = 60;

    /// <summary>Equality by value: 1.0 equals 1, the order of members is free, the last of equal names counts.</summary>
    public static bool DeepEquals(JsonElement a, JsonElement b)
    {
        if (a.ValueKind != b.ValueKind)
            return false;

        return a.ValueKind switch
        {
            JsonValueKind.Number => NumbersEqual(JsonMarshal.GetRawUtf8Value(a), JsonMarshal.GetRawUtf8Value(b)),
            JsonValueKind.String => StringsEqual(a, b),
            JsonValueKind.Array => ArraysEqual(a, b),
            JsonValueKind.Object => ObjectsEqual(a, b),
            _ => true,
        };
    }

    public static bool NumbersEqual(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) =>
        a.SequenceEqual(b) || JsonNumber.Parse(a).CompareTo(JsonNumber.Parse(b)) == 0;

    public static bool IsInteger(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && JsonNumber.IsWhole(JsonMarshal.GetRawUtf8Value(value));

    /// <summary>The number of Unicode code points of a string, counted without decoding it.</summary>
    public static int CodePoints(JsonElement text)
    {
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(text)[1..^1];
        int count = 0;
        for (int i = 0; i < raw.Length; i++)
        {
            if ((raw[i] & 0xC0) == 0x80)
                continue;

            count++;
            if (raw[i] == (byte)'\\')
                i += EscapeLength(raw[i..]) - 1;
        }

        return count;
    }

    /// <summary>A value as it is quoted in a message: its JSON text, cut when long.</summary>
    public static string Quote(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => $"the string {Shorten(value.GetRawText(), '"')}",
        JsonValueKind.Object => $"the object {Shorten(value.GetRawText(), '}')}",
        JsonValueKind.Array => $"the array {Shorten(value.GetRawText(), ']')}",
        _ => Shorten(value.GetRawText(), null),
    };

    public static string Shorten(string text, char? end = null)
    {
        if (text.Length <= QuoteLength)
            return text;

        int cut = char.IsHighSurrogate(text[QuoteLength - 1]) ? QuoteLength - 1 : QuoteLength;
        return string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, cut)}…{end}");
    }

    private static int EscapeLength(ReadOnlySpan<byte> raw)
    {
        if (raw[1] != (byte)'u')
            return 2;

        return IsSurrogate(raw, 'd', "89ab"u8) && raw.Length >= 12 && raw[6] == (byte)'\\' && raw[7] == (byte)'u'
            && IsSurrogate(raw[6..], 'd', "cdef"u8) ? 12 : 6;
    }

    private static bool IsSurrogate(ReadOnlySpan<byte> escape, char first, ReadOnlySpan<byte> second) =>
        (escape[2] | 0x20) == first && second.Contains((byte)(escape[3] | 0x20));

    private static bool StringsEqual(JsonElement a, JsonElement b)
    {
        ReadOnlySpan<byte> x = JsonMarshal.GetRawUtf8Value(a);
        ReadOnlySpan<byte> y = JsonMarshal.GetRawUtf8Value(b);
        if (x.SequenceEqual(y))
            return true;

        bool escaped = x.Contains((byte)'\\') || y.Contains((byte)'\\');
        return escaped && a.ValueEquals(b.GetString());
    }

    private static bool ArraysEqual(JsonElement a, JsonElement b)
    {
        if (a.GetArrayLength() != b.GetArrayLength())
            return false;

        JsonElement.ArrayEnumerator others = b.EnumerateArray();
        foreach (JsonElement item in a.EnumerateArray())
        {
            others.MoveNext();
            if (!DeepEquals(item, others.Current))
                return false;
        }

        return true;
    }

    private static bool ObjectsEqual(JsonElement a, JsonElement b)
    {
        (Dictionary<string, JsonElement> left, Dictionary<string, JsonElement> right) = (Members(a), Members(b));
        if (left.Count != right.Count)
            return false;

        foreach ((string name, JsonElement value) in left)
        {
            if (!right.TryGetValue(name, out JsonElement other) || !DeepEquals(value, other))
                return false;
        }

        return true;
    }

    private static Dictionary<string, JsonElement> Members(JsonElement value)
    {
        Dictionary<string, JsonElement> members = new(StringComparer.Ordinal);
        foreach (JsonProperty member in value.EnumerateObject())
            members[member.Name] = member.Value;
        return members;
    }
}
