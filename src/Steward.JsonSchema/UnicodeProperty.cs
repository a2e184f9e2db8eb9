using System.Globalization;

namespace Steward.JsonSchemas;

/// <summary>The sets behind \p{…}: every general category by both of its names, and the scripts that tools meet.</summary>
internal static class UnicodeProperty
{
    private static readonly UnicodeCategory[] s_letters =
    [
        UnicodeCategory.UppercaseLetter, UnicodeCategory.LowercaseLetter, UnicodeCategory.TitlecaseLetter,
        UnicodeCategory.ModifierLetter, UnicodeCategory.OtherLetter,
    ];

    private static readonly UnicodeCategory[] s_punctuation =
    [
        UnicodeCategory.ConnectorPunctuation, UnicodeCategory.DashPunctuation, UnicodeCategory.OpenPunctuation,
        UnicodeCategory.ClosePunctuation, UnicodeCategory.InitialQuotePunctuation, UnicodeCategory.FinalQuotePunctuation,
        UnicodeCategory.OtherPunctuation,
    ];

    private static readonly UnicodeCategory[] s_symbols =
    [
        UnicodeCategory.MathSymbol, UnicodeCategory.CurrencySymbol, UnicodeCategory.ModifierSymbol, UnicodeCategory.OtherSymbol,
    ];

    private static readonly UnicodeCategory[] s_others =
    [
        UnicodeCategory.Control, UnicodeCategory.Format, UnicodeCategory.PrivateUse, UnicodeCategory.OtherNotAssigned,
        UnicodeCategory.Surrogate,
    ];

    private static readonly (string Short, string Long, UnicodeCategory[] Categories)[] s_categories =
    [
        ("Lu", "Uppercase_Letter", [UnicodeCategory.UppercaseLetter]),
        ("Ll", "Lowercase_Letter", [UnicodeCategory.LowercaseLetter]),
        ("Lt", "Titlecase_Letter", [UnicodeCategory.TitlecaseLetter]),
        ("LC", "Cased_Letter", [UnicodeCategory.UppercaseLetter, UnicodeCategory.LowercaseLetter, UnicodeCategory.TitlecaseLetter]),
        ("Lm", "Modifier_Letter", [UnicodeCategory.ModifierLetter]),
        ("Lo", "Other_Letter", [UnicodeCategory.OtherLetter]),
        ("L", "Letter", s_letters),
        ("Mn", "Nonspacing_Mark", [UnicodeCategory.NonSpacingMark]),
        ("Mc", "Spacing_Mark", [UnicodeCategory.SpacingCombiningMark]),
        ("Me", "Enclosing_Mark", [UnicodeCategory.EnclosingMark]),
        ("M", "Mark", [UnicodeCategory.NonSpacingMark, UnicodeCategory.SpacingCombiningMark, UnicodeCategory.EnclosingMark]),
        ("Nd", "Decimal_Number", [UnicodeCategory.DecimalDigitNumber]),
        ("digit", "digit", [UnicodeCategory.DecimalDigitNumber]),
        ("Nl", "Letter_Number", [UnicodeCategory.LetterNumber]),
        ("No", "Other_Number", [UnicodeCategory.OtherNumber]),
        ("N", "Number", [UnicodeCategory.DecimalDigitNumber, UnicodeCategory.LetterNumber, UnicodeCategory.OtherNumber]),
        ("Pc", "Connector_Punctuation", [UnicodeCategory.ConnectorPunctuation]),
        ("Pd", "Dash_Punctuation", [UnicodeCategory.DashPunctuation]),
        ("Ps", "Open_Punctuation", [UnicodeCategory.OpenPunctuation]),
        ("Pe", "Close_Punctuation", [UnicodeCategory.ClosePunctuation]),
        ("Pi", "Initial_Punctuation", [UnicodeCategory.InitialQuotePunctuation]),
        ("Pf", "Final_Punctuation", [UnicodeCategory.FinalQuotePunctuation]),
        ("Po", "Other_Punctuation", [UnicodeCategory.OtherPunctuation]),
        ("P", "Punctuation", s_punctuation),
        ("punct", "punct", s_punctuation),
        ("Sm", "Math_Symbol", [UnicodeCategory.MathSymbol]),
        ("Sc", "Currency_Symbol", [UnicodeCategory.CurrencySymbol]),
        ("Sk", "Modifier_Symbol", [UnicodeCategory.ModifierSymbol]),
        ("So", "Other_Symbol", [UnicodeCategory.OtherSymbol]),
        ("S", "Symbol", s_symbols),
        ("Zs", "Space_Separator", [UnicodeCategory.SpaceSeparator]),
        ("Zl", "Line_Separator", [UnicodeCategory.LineSeparator]),
        ("Zp", "Paragraph_Separator", [UnicodeCategory.ParagraphSeparator]),
        ("Z", "Separator", [UnicodeCategory.SpaceSeparator, UnicodeCategory.LineSeparator, UnicodeCategory.ParagraphSeparator]),
        ("Cc", "Control", [UnicodeCategory.Control]),
        ("cntrl", "cntrl", [UnicodeCategory.Control]),
        ("Cf", "Format", [UnicodeCategory.Format]),
        ("Co", "Private_Use", [UnicodeCategory.PrivateUse]),
        ("Cn", "Unassigned", [UnicodeCategory.OtherNotAssigned]),
        ("C", "Other", s_others),
    ];

    public static CodePointSet Find(string expression)
    {
        int equals = expression.IndexOf('=', StringComparison.Ordinal);
        (string property, string value) = equals < 0 ? ("", expression) : (expression[..equals], expression[(equals + 1)..]);
        return property switch
        {
            "" => Category(value) ?? Binary(value),
            "gc" or "General_Category" => Category(value),
            "sc" or "Script" or "scx" or "Script_Extensions" => Scripts.Find(value),
            _ => null,
        } ?? throw new FormatException($"the property \\p{{{expression}}} is not supported; use a general category such as \\p{{L}}.");
    }

    private static CodePointSet? Category(string name)
    {
        foreach ((string brief, string full, UnicodeCategory[] categories) in s_categories)
        {
            if (name == brief || name == full)
                return CodePointSet.Where(categories.Contains);
        }

        return null;
    }

    private static CodePointSet? Binary(string name) => name switch
    {
        "Any" => new((0, 0x10FFFF)),
        "ASCII" => new((0, 0x7F)),
        "ASCII_Hex_Digit" or "AHex" => new(('0', '9'), ('A', 'F'), ('a', 'f')),
        "Assigned" => Category("Cn")!.Complement(),
        "Alphabetic" or "Alpha" => CodePointSet.Where(c => c <= UnicodeCategory.OtherLetter || c == UnicodeCategory.LetterNumber),
        "Uppercase" or "Upper" => Category("Lu"),
        "Lowercase" or "Lower" => Category("Ll"),
        "White_Space" or "space" => new(
            (9, 13), (' ', ' '), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
            (0x205F, 0x205F), (0x3000, 0x3000)),
        _ => null,
    };
}

/// <summary>The main ranges of a few scripts, enough for \p{Script=…} and for the rules of host names.</summary>
internal static class Scripts
{
    public static CodePointSet? Find(string name)
    {
        (int First, int Last)[] ranges = Ranges(name);
        return ranges.Length > 0 ? new(ranges) : null;
    }

    public static bool Contains(string name, int c) => Array.Exists(Ranges(name), range => c >= range.First && c <= range.Last);

    private static (int First, int Last)[] Ranges(string name) => name switch
    {
        "Latin" or "Latn" =>
        [
            ('A', 'Z'), ('a', 'z'), (0xAA, 0xAA), (0xBA, 0xBA), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2B8), (0x1E00, 0x1EFF),
            (0x2C60, 0x2C7F), (0xA722, 0xA787), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A),
        ],
        "Greek" or "Grek" =>
        [
            (0x370, 0x373), (0x375, 0x377), (0x37A, 0x37D), (0x37F, 0x37F), (0x384, 0x384), (0x386, 0x386), (0x388, 0x3E1), (0x3F0, 0x3FF),
            (0x1F00, 0x1FFE),
        ],
        "Cyrillic" or "Cyrl" => [(0x400, 0x484), (0x487, 0x52F), (0x1C80, 0x1C8A), (0x2DE0, 0x2DFF), (0xA640, 0xA69F)],
        "Hebrew" or "Hebr" => [(0x591, 0x5C7), (0x5D0, 0x5EA), (0x5EF, 0x5F4), (0xFB1D, 0xFB4F)],
        "Arabic" or "Arab" =>
        [
            (0x600, 0x604), (0x606, 0x60B), (0x60D, 0x61A), (0x61C, 0x61E), (0x620, 0x63F), (0x641, 0x64A), (0x656, 0x66F), (0x671, 0x6DC),
            (0x6DE, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8E1), (0x8E3, 0x8FF),
        ],
        "Hiragana" or "Hira" => [(0x3041, 0x3096), (0x309D, 0x309F), (0x1B001, 0x1B11F)],
        "Katakana" or "Kana" => [(0x30A1, 0x30FA), (0x30FD, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF6F), (0xFF71, 0xFF9D)],
        "Han" or "Hani" =>
        [
            (0x2E80, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
            (0xF900, 0xFAD9), (0x20000, 0x323AF),
        ],
        "Hangul" or "Hang" => [(0x1100, 0x11FF), (0x302E, 0x302F), (0x3131, 0x318E), (0xA960, 0xA97C), (0xAC00, 0xD7FB)],
        "Thai" => [(0xE01, 0xE3A), (0xE40, 0xE5B)],
        "Devanagari" or "Deva" => [(0x900, 0x950), (0x955, 0x963), (0x966, 0x97F), (0xA8E0, 0xA8FF)],
        _ => [],
    };
}
