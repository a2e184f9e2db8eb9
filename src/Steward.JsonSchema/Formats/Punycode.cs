using System.Text;

namespace Steward.JsonSchemas.Formats;

/// <summary>The encoding of RFC 3492.</summary>
internal static class Punycode
{
    private const int Base = 36;
    private const int TMin = 1;
    private const int TMax = 26;

    public static string Encode(int[] points)
    {
        StringBuilder output = new();
        foreach (int c in points.Where(c => c < 0x80))
            output.Append((char)c);

        int basic = output.Length, handled = basic, n = 128, delta = 0, bias = 72;
        if (basic > 0)
            output.Append('-');
        while (handled < points.Length)
        {
            int next = points.Where(c => c >= n).Min();
            delta += (next - n) * (handled + 1);
            n = next;
            foreach (int c in points)
            {
                if (c < n)
                    delta++;
                if (c != n)
                    continue;
                AppendVariable(output, delta, bias);
                bias = Adapt(delta, ++handled, handled == basic + 1);
                delta = 0;
            }

            delta++;
            n++;
        }

        return output.ToString();
    }

    public static int[]? Decode(string text)
    {
        int split = text.LastIndexOf('-');
        List<int> output = text.Take(Math.Max(0, split)).Select(c => (int)char.ToLowerInvariant(c)).ToList();
        long n = 128, i = 0;
        int bias = 72;
        for (int at = split + 1; at < text.Length;)
        {
            long start = i;
            long weight = 1;
            for (int k = Base; ; k += Base)
            {
                if (at >= text.Length || Digit(text[at++]) is not { } digit)
                    return null;
                i += digit * weight;
                int threshold = Math.Clamp(k - bias, TMin, TMax);
                if (i > int.MaxValue)
                    return null;
                if (digit < threshold)
                    break;
                weight *= Base - threshold;
            }

            bias = Adapt((int)(i - start), output.Count + 1, start == 0);
            n += i / (output.Count + 1);
            i %= output.Count + 1;
            if (n > 0x10FFFF || n is >= 0xD800 and <= 0xDFFF)
                return null;
            output.Insert((int)i++, (int)n);
        }

        return [.. output];
    }

    private static void AppendVariable(StringBuilder output, int value, int bias)
    {
        for (int k = Base; ; k += Base)
        {
            int threshold = Math.Clamp(k - bias, TMin, TMax);
            if (value < threshold)
                break;
            output.Append(Letter(threshold + (value - threshold) % (Base - threshold)));
            value = (value - threshold) / (Base - threshold);
        }

        output.Append(Letter(value));
    }

    private static int Adapt(int delta, int count, bool first)
    {
        delta = first ? delta / 700 : delta / 2;
        delta += delta / count;
        int k = 0;
        for (; delta > (Base - TMin) * TMax / 2; k += Base)
            delta /= Base - TMin;
        return k + (Base - TMin + 1) * delta / (delta + 38);
    }

    private static char Letter(int digit) => (char)(digit < 26 ? 'a' + digit : '0' + digit - 26);

    private static int? Digit(char c) => c switch
    {
        >= 'a' and <= 'z' => c - 'a',
        >= 'A' and <= 'Z' => c - 'A',
        >= '0' and <= '9' => c - '0' + 26,
        _ => null,
    };
}
