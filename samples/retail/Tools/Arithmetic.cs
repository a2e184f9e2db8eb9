using System.Globalization;
using Steward.Tools;

namespace Steward.Retail.Tools;

/// <summary>Works out sums: numbers, <c>+ - * /</c>, parentheses, spaces.</summary>
internal ref struct Arithmetic
{
    private const int MaxDepth = 100;

    private readonly ReadOnlySpan<char> _text;
    private int _at;
    private int _depth;

    private Arithmetic(string text) => _text = text;

    /// <summary>The value of an expression.</summary>
    /// <exception cref="ToolException">It is none, or divides by zero.</exception>
    public static double Evaluate(string expression)
    {
        var parser = new Arithmetic(expression);
        double value = parser.Sum();
        return parser._at == expression.Length ? value : throw parser.Unexpected();
    }

    private double Sum()
    {
        double value = Product();
        while (true)
        {
            if (Take('+'))
                value += Product();
            else if (Take('-'))
                value -= Product();
            else
                return value;
        }
    }

    private double Product()
    {
        double value = Factor();
        while (true)
        {
            if (Take('*'))
                value *= Factor();
            else if (Take('/'))
                value /= Factor() is not 0 and var divisor ? divisor : throw new ToolException("Error: the expression divides by zero");
            else
                return value;
        }
    }

    private double Factor()
    {
        if (++_depth > MaxDepth)
            throw new ToolException($"Error: the expression is nested more than {MaxDepth} times");
        double value = Take('-') ? -Factor() : Take('+') ? Factor() : Take('(') ? Parenthesis() : Number();
        _depth--;
        return value;
    }

    private double Parenthesis()
    {
        double value = Sum();
        return Take(')') ? value : throw Unexpected();
    }

    private double Number()
    {
        int start = _at;
        while (_at < _text.Length && (char.IsAsciiDigit(_text[_at]) || _text[_at] == '.'))
            _at++;
        if (!double.TryParse(_text[start.._at], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value))
            throw Unexpected();
        SkipSpaces();
        return value;
    }

    private bool Take(char symbol)
    {
        SkipSpaces();
        if (_at >= _text.Length || _text[_at] != symbol)
            return false;
        _at++;
        SkipSpaces();
        return true;
    }

    private void SkipSpaces()
    {
        while (_at < _text.Length && _text[_at] == ' ')
            _at++;
    }

    private readonly ToolException Unexpected() => new(_at < _text.Length
        ? $"Error: the expression has '{_text[_at]}' at {_at + 1} where a number or one of + - * / ( ) fits"
        : "Error: the expression ends too early");
}
