using System.Globalization;
using System.Text;

namespace Steward.JsonSchemas;

/// <summary>A set of Unicode scalar values, and how a regular expression over UTF-16 says it.</summary>
internal sealed class CodePointSet
{
    private const int Max = 0x10FFFF;

    private readonly List<(int First, int Last)> _ranges = [];

    public CodePointSet(params (int First, int Last)[] ranges) => _ranges.AddRange(ranges);

    public static CodePointSet Digits => new(('0', '9'));

    public static CodePointSet Word => new(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));

    public static CodePointSet LineEnds => new(('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029));

    public static CodePointSet Space =>
        new(
            (9, 13), (' ', ' '), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F),
            (0x3000, 0x3000), (0xFEFF, 0xFEFF));

    public static CodePointSet Where(Func<UnicodeCategory, bool> belongs)
    {
        bool[] table = Array.ConvertAll(Enum.GetValues<UnicodeCategory>(), category => belongs(category));
        CodePointSet set = new();
        int? first = null;
        for (int c = 0; c <= Max + 1; c++)
        {
            bool inside = c <= Max && table[(int)CategoryOf(c)];
            if (inside)
                first ??= c;
            else if (first is { } start)
            {
                set.Add(start, c - 1);
                first = null;
            }
        }

        return set;
    }

    /// <summary>Planes 4 to 13 hold nothing, so they need no look-up.</summary>
    private static UnicodeCategory CategoryOf(int c) =>
        c is >= 0x40000 and < 0xE0000 ? UnicodeCategory.OtherNotAssigned : CharUnicodeInfo.GetUnicodeCategory(c);

    public void Add(int first, int last) => _ranges.Add((first, last));

    public void Add(CodePointSet other) => _ranges.AddRange(other._ranges);

    public CodePointSet Complement()
    {
        CodePointSet set = new();
        int next = 0;
        foreach ((int first, int last) in Normalized())
        {
            if (first > next)
                set.Add(next, first - 1);
            next = last + 1;
        }

        if (next <= Max)
            set.Add(next, Max);
        return set;
    }

    /// <summary>One .NET expression that matches one code point; whole surrogate pairs, never half of one.</summary>
    public string ToPattern()
    {
        List<(int First, int Last)> ranges = Normalized();
        StringBuilder basic = new();
        List<string> alternatives = [];
        foreach ((int first, int last) in ranges)
        {
            AppendBasic(basic, first, Math.Min(last, 0xD7FF));
            AppendBasic(basic, Math.Max(first, 0xE000), Math.Min(last, 0xFFFF));
            if (last > 0xFFFF)
                AddPairs(alternatives, Math.Max(first, 0x10000), last);
        }

        if (basic.Length > 0)
            alternatives.Insert(0, $"[{basic}]");
        return alternatives switch
        {
            [] => "(?!)",
            [string only] when basic.Length > 0 => only,
            _ => $"(?:{string.Join('|', alternatives)})",
        };
    }

    private static void AppendBasic(StringBuilder text, int first, int last)
    {
        if (first > last)
            return;

        text.Append(Unit(first));
        if (last > first)
            text.Append('-').Append(Unit(last));
    }

    private static void AddPairs(List<string> alternatives, int first, int last)
    {
        while (first <= last)
        {
            (int high, int low) = Split(first);
            (int lastHigh, int lastLow) = Split(last);
            if (high == lastHigh)
            {
                alternatives.Add($"{Unit(high)}[{Unit(low)}-{Unit(lastLow)}]");
                return;
            }

            int whole = low == 0xDC00 ? (lastLow == 0xDFFF ? lastHigh : lastHigh - 1) : high;
            alternatives.Add($"[{Unit(high)}-{Unit(whole)}][{Unit(low)}-\\uDFFF]");
            first = ((whole - 0xD800 + 1) << 10) + 0x10000;
        }
    }

    private static (int High, int Low) Split(int c) => (0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF));

    private static string Unit(int unit) => string.Create(CultureInfo.InvariantCulture, $"\\u{unit:X4}");

    private List<(int First, int Last)> Normalized()
    {
        List<(int First, int Last)> merged = [];
        foreach ((int First, int Last) range in _ranges.Order())
        {
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1)
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            else
                merged.Add(range);
        }

        return merged;
    }
}
