namespace Steward.Tools.Declarative;

/// <summary>One SQL statement, read just far enough to know its parameters, what it starts with, and that it is one.</summary>
/// <remarks>Whether it only reads is never decided here: the database enforces that.</remarks>
internal sealed class SqlStatement
{
    private readonly SqlDialect _dialect;
    private readonly List<string> _parameters = [];
    private int _at;
    private bool _ended;

    private SqlStatement(string text, SqlDialect dialect)
    {
        Text = text;
        _dialect = dialect;
    }

    public string Text { get; }

    /// <summary>The names after <c>@</c>, each once.</summary>
    public IReadOnlyList<string> Parameters => _parameters;

    /// <summary>The first word, in capitals.</summary>
    public string Verb { get; private set; } = "";

    /// <exception cref="ArgumentException">It is empty, not one statement, not
    /// closed, or has parameters of another kind than <c>@name</c>.</exception>
    public static SqlStatement Parse(string text, SqlDialect dialect)
    {
        ArgumentNullException.ThrowIfNull(text);
        var statement = new SqlStatement(text, dialect);
        while (statement._at < text.Length)
            statement.Next();
        if (statement.Verb.Length == 0)
            throw new ArgumentException("The SQL statement is empty.");
        return statement;
    }

    private void Next()
    {
        char c = Text[_at];
        if (char.IsWhiteSpace(c))
        {
            _at++;
            return;
        }

        if (c == '\0')
            throw Wrong("has a NUL character");
        if (c == '-' && Peek(1) == '-')
        {
            _at = Text.IndexOf('\n', _at) is >= 0 and int end ? end : Text.Length;
            return;
        }

        if (c == '/' && Peek(1) == '*')
        {
            SkipComment();
            return;
        }

        if (c == ';')
        {
            _ended = true;
            _at++;
            return;
        }

        if (_ended)
            throw new ArgumentException("A tool runs one SQL statement; there is more after the ';'.");
        Token(c);
    }

    private void Token(char c)
    {
        switch (c)
        {
            case '\'':
                SkipQuoted('\'', escapes: false);
                break;
            case '"':
                SkipQuoted('"', escapes: false);
                break;
            case '`' when _dialect == SqlDialect.Sqlite:
                SkipQuoted('`', escapes: false);
                break;
            case '[' when _dialect == SqlDialect.Sqlite:
                SkipTo(']');
                break;
            case '@' when IsWordStart(Peek(1)):
                _at++;
                Parameter();
                break;
            case '@':
                // The operators @>, @@, @? of PostgreSQL; '@@name' is an operator before a column there.
                _at += _dialect == SqlDialect.Postgres && Peek(1) == '@' ? 2 : 1;
                break;
            case '$':
                Dollar();
                break;
            case ':' when _dialect == SqlDialect.Postgres && Peek(1) == ':':
                _at += 2;
                break;
            case ':' when IsWordStart(Peek(1)):
                throw Wrong("has a parameter with ':'; write '@name'");
            case '?' when _dialect == SqlDialect.Sqlite:
                throw Wrong("has a parameter without a name; write '@name'");
            default:
                if (IsWordStart(c))
                    Word();
                else if (char.IsAsciiDigit(c))
                    SkipWord();
                else
                    _at++;
                break;
        }
    }

    private void Word()
    {
        int start = _at;
        SkipWord();
        ReadOnlySpan<char> word = Text.AsSpan(start, _at - start);
        if (Verb.Length == 0)
            Verb = word.ToString().ToUpperInvariant();
        if (_dialect == SqlDialect.Postgres
            && _at < Text.Length
            && Text[_at] == '\''
            && word.Equals("e", StringComparison.OrdinalIgnoreCase))
            SkipQuoted('\'', escapes: true);
    }

    private void Parameter()
    {
        int start = _at;
        SkipWord();
        string name = Text[start.._at];
        if (!ToolParameters.IsName(name))
            throw Wrong($"has a parameter '@{name}' whose name is not letters, digits and '_'");
        if (!_parameters.Contains(name))
            _parameters.Add(name);
    }

    private void Dollar()
    {
        if (_dialect == SqlDialect.Sqlite)
            throw Wrong("has a parameter with '$'; write '@name'");
        if (char.IsAsciiDigit(Peek(1)))
            throw Wrong("has a parameter with '$'; write '@name'");
        int close = _at + 1;
        while (close < Text.Length && Text[close] != '$' && IsWordPart(Text[close]))
            close++;
        if (close >= Text.Length || Text[close] != '$')
        {
            _at++;
            return;
        }

        string tag = Text[_at..(close + 1)];
        int end = Text.IndexOf(tag, close + 1, StringComparison.Ordinal);
        if (end < 0)
            throw Wrong($"does not close {tag}");
        _at = end + tag.Length;
    }

    private void SkipQuoted(char quote, bool escapes)
    {
        int start = _at++;
        for (; _at < Text.Length; _at++)
        {
            if (escapes && Text[_at] == '\\')
                _at++;
            else if (Text[_at] == quote && Peek(1) == quote)
                _at++;
            else if (Text[_at] == quote)
            {
                _at++;
                return;
            }
        }

        throw Wrong($"does not close the {quote} at position {start + 1}");
    }

    private void SkipTo(char close)
    {
        int end = Text.IndexOf(close, _at);
        if (end < 0)
            throw Wrong($"lacks a {close}");
        _at = end + 1;
    }

    private void SkipComment()
    {
        int depth = 0;
        do
        {
            if (Text[_at] == '/' && Peek(1) == '*' && (depth == 0 || _dialect == SqlDialect.Postgres))
            {
                depth++;
                _at += 2;
            }
            else if (Text[_at] == '*' && Peek(1) == '/')
            {
                depth--;
                _at += 2;
            }
            else
            {
                _at++;
            }
        }
        while (depth > 0 && _at < Text.Length);
        if (depth > 0)
            throw Wrong("does not close a comment");
    }

    private void SkipWord()
    {
        while (_at < Text.Length && IsWordPart(Text[_at]))
            _at++;
    }

    private char Peek(int offset) => _at + offset < Text.Length ? Text[_at + offset] : '\0';

    // Both databases take every character beyond ASCII as part of a name.
    private static bool IsWordStart(char c) => char.IsAsciiLetter(c) || c == '_' || c > 127;

    private static bool IsWordPart(char c) => IsWordStart(c) || char.IsAsciiDigit(c) || c == '$';

    private static ArgumentException Wrong(string what) => new($"The SQL statement {what}.");
}
