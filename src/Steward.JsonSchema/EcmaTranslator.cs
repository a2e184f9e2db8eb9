using System.Globalization;
using System.Text;

namespace Steward.JsonSchemas;

/// <summary>Reads an ECMA-262 pattern once, left to right, and writes the .NET expression with the same meaning.</summary>
/// <remarks>
/// Strict where .NET would read something else (\A, \Z, \a, (?i), (?P…), atomic groups). Lenient where people are: any
/// punctuation may be escaped, and a lone brace or bracket is a literal.
/// </remarks>
internal sealed class EcmaTranslator
{
    private const int MaxLength = 500_000;
    private const string IsWord = "[0-9A-Za-z_]";

    private readonly string _source;
    private readonly StringBuilder _output = new();
    private readonly List<string?> _groups = [];
    private readonly Dictionary<string, CodePointSet> _properties = new(StringComparer.Ordinal);
    private int _at;
    private int _opened;

    private EcmaTranslator(string source)
    {
        _source = source;
        ListGroups();
    }

    public static string Translate(string source)
    {
        EcmaTranslator translator = new(source);
        while (translator._at < source.Length)
        {
            translator.ReadTerm();
            if (translator._output.Length > MaxLength)
                throw new FormatException("it is too large; use fewer or simpler character classes.");
        }

        return translator._output.ToString();
    }

    private bool At(string text) => string.CompareOrdinal(_source, _at, text, 0, text.Length) == 0;

    private bool Take(string text)
    {
        if (!At(text))
            return false;

        _at += text.Length;
        return true;
    }

    private void ReadTerm()
    {
        switch (_source[_at])
        {
            case '\\':
                _at++;
                ReadEscape();
                break;
            case '[':
                _at++;
                _output.Append(ReadClass().ToPattern());
                break;
            case '(':
                ReadGroup();
                break;
            case '.':
                _at++;
                _output.Append(CodePointSet.LineEnds.Complement().ToPattern());
                break;
            case '$':
                _at++;
                _output.Append("\\z");
                break;
            case '{' when QuantifierLength() is int length && length > 0:
                _output.Append(_source, _at, length);
                _at += length;
                break;
            case '^' or '|' or ')' or '*' or '+' or '?':
                _output.Append(_source[_at++]);
                break;
            default:
                AppendLiteral(ReadCodePoint());
                break;
        }
    }

    private void ReadGroup()
    {
        foreach (string opening in new[] { "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?i:" })
        {
            if (!Take(opening))
                continue;
            _output.Append(opening);
            return;
        }

        if (At("(?") && !At("(?<"))
            throw new FormatException($"\"{_source.AsSpan(_at, Math.Min(3, _source.Length - _at))}\" opens no group that ECMA-262 knows.");
        _at += At("(?<") ? GroupName(_at).Length + 4 : 1;
        _output.Append(CultureInfo.InvariantCulture, $"(?<{++_opened}>");
    }

    private void ReadEscape()
    {
        if (_at >= _source.Length)
            throw new FormatException("it ends in a backslash.");

        char c = _source[_at];
        if (c is 'b' or 'B')
        {
            _at++;
            AppendBoundary(c == 'b');
        }
        else if (c is 'k')
            AppendNamedReference();
        else if (c is >= '1' and <= '9')
            AppendReference(ReadDecimal());
        else if (ReadSetEscape() is { } set)
            _output.Append(set.ToPattern());
        else
            AppendLiteral(ReadCharacterEscape());
    }

    private void AppendBoundary(bool positive) =>
        _output.Append(positive
            ? $"(?:(?<={IsWord})(?!{IsWord})|(?<!{IsWord})(?={IsWord}))"
            : $"(?:(?<={IsWord})(?={IsWord})|(?<!{IsWord})(?!{IsWord}))");

    private void AppendNamedReference()
    {
        int end = _source.IndexOf('>', _at);
        if (!At("k<") || end < 0)
            throw new FormatException("\\k must be followed by <name>.");

        string name = _source[(_at + 2)..end];
        int number = _groups.IndexOf(name) + 1;
        if (number == 0)
            throw new FormatException($"there is no group named \"{name}\".");
        _at = end + 1;
        AppendReference(number);
    }

    /// <summary>In ECMA-262 a reference to a group that has not matched is empty; in .NET it fails.</summary>
    private void AppendReference(int number)
    {
        if (number > _groups.Count)
            throw new FormatException($"there is no group {number}.");

        _output.Append(CultureInfo.InvariantCulture, $"(?({number})\\k<{number}>)");
    }

    private int ReadDecimal()
    {
        int start = _at;
        while (_at < _source.Length && _at - start < 5 && char.IsAsciiDigit(_source[_at]))
            _at++;
        return int.Parse(_source.AsSpan(start, _at - start), CultureInfo.InvariantCulture);
    }

    /// <summary>\d \D \w \W \s \S \p{…} \P{…}; null and nothing read for any other escape.</summary>
    private CodePointSet? ReadSetEscape()
    {
        char c = _source[_at];
        CodePointSet? set = char.ToLowerInvariant(c) switch
        {
            'd' => CodePointSet.Digits,
            'w' => CodePointSet.Word,
            's' => CodePointSet.Space,
            'p' => ReadProperty(),
            _ => null,
        };
        if (set is null)
            return null;

        _at++;
        return char.IsAsciiLetterUpper(c) ? set.Complement() : set;
    }

    private CodePointSet ReadProperty()
    {
        int end = _source.IndexOf('}', _at);
        if (end < 0 || _at + 1 >= _source.Length || _source[_at + 1] != '{')
            throw new FormatException("\\p must be followed by {a property}.");

        string name = _source[(_at + 2)..end];
        if (!_properties.TryGetValue(name, out CodePointSet? set))
            _properties[name] = set = UnicodeProperty.Find(name);
        _at = end;
        return set;
    }

    private int ReadCharacterEscape()
    {
        char c = _source[_at++];
        return c switch
        {
            't' => '\t',
            'n' => '\n',
            'v' => '\v',
            'f' => '\f',
            'r' => '\r',
            '0' when _at >= _source.Length || !char.IsAsciiDigit(_source[_at]) => 0,
            'c' when _at < _source.Length && char.IsAsciiLetter(_source[_at]) => _source[_at++] & 0x1F,
            'x' => ReadHex(2),
            'u' => ReadUnicodeEscape(),
            _ when char.IsAsciiLetterOrDigit(c) => throw new FormatException($"\\{c} is not an escape of ECMA-262{Hint(c)}."),
            _ => char.IsHighSurrogate(c) ? ReadCodePointAt(_at - 1) : c,
        };
    }

    private static string Hint(char c) => c switch
    {
        'A' => "; use ^",
        'Z' or 'z' => "; use $",
        _ => "",
    };

    private int ReadUnicodeEscape()
    {
        if (!Take("{"))
        {
            int unit = ReadHex(4);
            return char.IsHighSurrogate((char)unit) && At("\\u") && !At("\\u{") ? ReadLowHalf(unit) : unit;
        }

        int end = _source.IndexOf('}', _at);
        if (end < 0 || end - _at > 8)
            throw new FormatException("\\u{ must be closed by }.");
        int value = ReadHex(end - _at);
        _at++;
        return value <= 0x10FFFF ? value : throw new FormatException("\\u{…} is above 10FFFF.");
    }

    private int ReadLowHalf(int high)
    {
        int start = _at;
        _at += 2;
        int low = ReadHex(4);
        if (char.IsLowSurrogate((char)low))
            return char.ConvertToUtf32((char)high, (char)low);

        _at = start;
        return high;
    }

    private int ReadHex(int length)
    {
        if (length < 1 || _at + length > _source.Length
            || !int.TryParse(_source.AsSpan(_at, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value))
            throw new FormatException("an escape lacks its hexadecimal digits.");

        _at += length;
        return value;
    }

    private CodePointSet ReadClass()
    {
        bool negated = Take("^");
        CodePointSet set = new();
        while (!Take("]"))
        {
            if (_at >= _source.Length)
                throw new FormatException("a character class is not closed by ].");
            ReadClassRange(set);
        }

        return negated ? set.Complement() : set;
    }

    private void ReadClassRange(CodePointSet set)
    {
        int? first = ReadClassAtom(set);
        if (first is not { } start || !At("-") || At("-]"))
        {
            if (first is { } single)
                set.Add(single, single);
            return;
        }

        _at++;
        if (_at >= _source.Length)
            throw new FormatException("a character class is not closed by ].");
        if (ReadClassAtom(set) is { } end)
            set.Add(start, end >= start ? end : throw new FormatException("a range in a character class is out of order."));
        else
            set.Add(new CodePointSet((start, start), ('-', '-')));
    }

    /// <summary>A code point; or null after an escape that stands for a set, which is added.</summary>
    private int? ReadClassAtom(CodePointSet set)
    {
        if (!Take("\\"))
            return ReadCodePoint();
        if (_at >= _source.Length)
            throw new FormatException("it ends in a backslash.");
        if (Take("b"))
            return '\b';
        if (ReadSetEscape() is not { } escaped)
            return ReadCharacterEscape();

        set.Add(escaped);
        return null;
    }

    private int ReadCodePointAt(int start)
    {
        _at = start;
        return ReadCodePoint();
    }

    private int ReadCodePoint()
    {
        char c = _source[_at++];
        return char.IsHighSurrogate(c) && _at < _source.Length && char.IsLowSurrogate(_source[_at])
            ? char.ConvertToUtf32(c, _source[_at++])
            : c;
    }

    private void AppendLiteral(int c)
    {
        if (c > 0xFFFF)
            _output.Append(new CodePointSet((c, c)).ToPattern());
        else if (c < 0x80 && char.IsAsciiLetterOrDigit((char)c))
            _output.Append((char)c);
        else
            _output.Append(CultureInfo.InvariantCulture, $"\\u{c:X4}");
    }

    private int QuantifierLength()
    {
        int i = _at + 1;
        while (i < _source.Length && char.IsAsciiDigit(_source[i]))
            i++;
        if (i == _at + 1)
            return 0;
        if (i < _source.Length && _source[i] == ',')
            i++;
        while (i < _source.Length && char.IsAsciiDigit(_source[i]))
            i++;
        return i < _source.Length && _source[i] == '}' ? i - _at + 1 : 0;
    }

    private void ListGroups()
    {
        bool inClass = false;
        for (int i = 0; i < _source.Length; i++)
        {
            if (_source[i] == '\\')
                i++;
            else if (_source[i] == '[')
                inClass = true;
            else if (_source[i] == ']')
                inClass = false;
            else if (_source[i] == '(' && !inClass)
                ListGroup(i);
        }
    }

    private void ListGroup(int open)
    {
        bool special = open + 1 < _source.Length && _source[open + 1] == '?';
        if (!special)
            _groups.Add(null);
        else if (string.CompareOrdinal(_source, open, "(?<", 0, 3) == 0
            && open + 3 < _source.Length && _source[open + 3] is not ('=' or '!'))
            _groups.Add(GroupName(open));
    }

    private string GroupName(int open)
    {
        int end = _source.IndexOf('>', open);
        string name = end < 0 ? "" : _source[(open + 3)..end];
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsLetterOrDigit(c) || c is '_' or '$'))
            throw new FormatException("a group name must be an identifier, closed by >.");
        return name;
    }
}
