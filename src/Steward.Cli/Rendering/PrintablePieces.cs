using System.Text;
using Steward.Journal;

namespace Steward.Cli.Rendering;

/// <summary>Makes a text printable that comes in pieces: a character, or a symbol and its colour, may be cut between two of them.</summary>
internal sealed class PrintablePieces
{
    private string _symbol = "";
    private string _held = "";

    /// <summary>What can be written of the pieces so far.</summary>
    public string Next(string piece)
    {
        string text = _held + piece;
        int whole = text.Length > 0 && (char.IsHighSurrogate(text[^1]) || text[^1] == '\r') ? text.Length - 1 : text.Length;
        _held = text[whole..];
        text = text[..whole];
        string written = Printable.Text(_symbol + text)[_symbol.Length..];
        if (text.Length > 0)
            _symbol = Symbol(text);
        return written;
    }

    /// <summary>A line has ended: what follows begins anew.</summary>
    public void Break()
    {
        _symbol = "";
        _held = "";
    }

    /// <summary>The last character where it is one that is written as it is.</summary>
    private static string Symbol(string text)
    {
        int at = text.Length > 1 && char.IsLowSurrogate(text[^1]) ? text.Length - 2 : text.Length - 1;
        return Rune.TryGetRuneAt(text, at, out Rune last) && Rune.IsSymbol(last) && !Printable.IsHidden(last) ? last.ToString() : "";
    }
}
