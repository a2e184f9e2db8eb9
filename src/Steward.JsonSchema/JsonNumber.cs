using System.Globalization;
using System.Numerics;
using System.Text;

namespace Steward.JsonSchemas;

/// <summary>A JSON number without loss: sign × 0.d₁d₂d₃… × 10^exponent, with no zero at either end of the digits.</summary>
internal readonly struct JsonNumber : IComparable<JsonNumber>
{
    private const NumberStyles PlainNumber = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;

    private const long MaxExponent = 1_000_000_000_000_000;

    private readonly bool _negative;
    private readonly byte[] _digits;
    private readonly long _exponent;

    private JsonNumber(bool negative, byte[] digits, long exponent)
    {
        _digits = digits;
        _negative = negative && digits.Length > 0;
        _exponent = digits.Length > 0 ? exponent : 0;
    }

    public bool IsZero => _digits.Length == 0;

    public bool IsPositive => !_negative && !IsZero;

    public bool IsInteger => _exponent >= _digits.Length;

    public static JsonNumber Parse(ReadOnlySpan<byte> raw)
    {
        bool negative = raw[0] == (byte)'-';
        byte[] buffer = new byte[raw.Length];
        int count = 0, i = negative ? 1 : 0;
        int? point = null;
        for (; i < raw.Length && (raw[i] | 0x20) != 'e'; i++)
        {
            if (raw[i] == (byte)'.')
                point = count;
            else
                buffer[count++] = raw[i];
        }

        long exponent = (point ?? count) + (i < raw.Length ? ParseExponent(raw[(i + 1)..]) : 0);
        Span<byte> digits = buffer.AsSpan(0, count).TrimEnd((byte)'0');
        Span<byte> significant = digits.TrimStart((byte)'0');
        return new(negative, significant.ToArray(), exponent - (digits.Length - significant.Length));
    }

    /// <summary>Whether the number is whole; the common plain integer is seen without parsing.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> raw) =>
        raw.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0 || Parse(raw).IsInteger;

    /// <summary>A decimal of the same value, when the text is short enough to fit one exactly.</summary>
    public static bool TryDecimal(ReadOnlySpan<byte> raw, out decimal value)
    {
        value = 0;
        return raw.Length <= 28
            && raw.IndexOfAny((byte)'e', (byte)'E') < 0
            && decimal.TryParse(raw, PlainNumber, CultureInfo.InvariantCulture, out value);
    }

    public int CompareTo(JsonNumber other)
    {
        if (_negative != other._negative)
            return _negative ? -1 : 1;

        int magnitude = CompareMagnitude(other);
        return _negative ? -magnitude : magnitude;
    }

    public bool IsMultipleOf(JsonNumber divisor)
    {
        if (IsZero)
            return true;

        (BigInteger value, long scale) = (Mantissa, Scale - divisor.Scale);
        BigInteger modulus = divisor.Mantissa;
        if (scale >= 0)
            return (value % modulus * BigInteger.ModPow(10, scale, modulus) % modulus).IsZero;

        return -scale <= _digits.Length && (value % (modulus * BigInteger.Pow(10, (int)-scale))).IsZero;
    }

    /// <summary>One spelling for each value: plain up to 21 digits, else with an exponent.</summary>
    public string ToCanonical()
    {
        if (IsZero)
            return "0";

        StringBuilder text = new();
        if (_negative)
            text.Append('-');
        AppendMagnitude(text, Encoding.ASCII.GetString(_digits));
        return text.ToString();
    }

    private void AppendMagnitude(StringBuilder text, string digits)
    {
        if (_exponent is > 21 or <= -6)
        {
            text.Append(digits[0]);
            if (digits.Length > 1)
                text.Append('.').Append(digits, 1, digits.Length - 1);
            text.Append('e').Append(CultureInfo.InvariantCulture, $"{_exponent - 1:+0;-0}");
        }
        else if (_exponent <= 0)
            text.Append("0.").Append('0', (int)-_exponent).Append(digits);
        else if (_exponent >= digits.Length)
            text.Append(digits).Append('0', (int)_exponent - digits.Length);
        else
            text.Append(digits, 0, (int)_exponent).Append('.').Append(digits, (int)_exponent, digits.Length - (int)_exponent);
    }

    private BigInteger Mantissa => BigInteger.Parse(Encoding.ASCII.GetString(_digits), CultureInfo.InvariantCulture);

    private long Scale => _exponent - _digits.Length;

    private int CompareMagnitude(JsonNumber other)
    {
        if (IsZero || other.IsZero)
            return other.IsZero.CompareTo(IsZero);

        int exponents = _exponent.CompareTo(other._exponent);
        return exponents != 0 ? exponents : _digits.AsSpan().SequenceCompareTo(other._digits);
    }

    private static long ParseExponent(ReadOnlySpan<byte> raw)
    {
        bool negative = raw[0] == (byte)'-';
        long value = 0L;
        foreach (byte c in raw[(raw[0] is (byte)'-' or (byte)'+' ? 1 : 0)..])
            value = Math.Min(value * 10 + (c - '0'), MaxExponent);
        return negative ? -value : value;
    }
}
