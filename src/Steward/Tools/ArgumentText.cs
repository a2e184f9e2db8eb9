using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Steward.Tools;

/// <summary>Writes the arguments of a call for the people who decide on it: in their own script, and nothing that hides.</summary>
/// <remarks>
/// The text is JSON, so it says whether <c>5</c> is a number or a text, and it can be copied. An escape (<c>\u202e</c>) stands only where a
/// character could deceive: controls, direction marks, zero-width characters, spaces that are no spaces, letters that imitate Latin ones.
/// </remarks>
public static class ArgumentText
{
    /// <summary>Characters of a value that lists show; longer values are shortened with a mark.</summary>
    public const int Shown = 160;

    private static readonly JsonElement s_none = JsonElement.Parse("{}");

    /// <summary>A value as JSON, whole.</summary>
    public static string Write(JsonElement value) => Write(value, int.MaxValue).Text;

    /// <summary>The arguments of a call as JSON, whole; <c>{}</c> for none.</summary>
    public static string Write(JsonElement? arguments) => Write(arguments ?? s_none);

    /// <summary>A value as JSON, cut where it is longer, with a mark that says how much is missing.</summary>
    /// <param name="value">The value.</param>
    /// <param name="most">Characters that are shown, the mark not counted.</param>
    public static (string Text, bool Shortened) Write(JsonElement value, int most)
    {
        var text = new CutText(most);
        Append(text, value);
        return (text.ToString(), text.IsCut);
    }

    /// <summary>The name of an argument, cut as a value is.</summary>
    internal static (string Text, bool Shortened) Name(JsonProperty property, int most)
    {
        var text = new CutText(most);
        Append(text, NameOf(property), quoted: false);
        return (text.ToString(), text.IsCut);
    }

    /// <summary>The name of a property; where it has no form as text, as it is written.</summary>
    internal static string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8PropertyName(property));
        }
    }

    private static void Append(CutText text, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                AppendObject(text, value);
                break;
            case JsonValueKind.Array:
                AppendArray(text, value);
                break;
            case JsonValueKind.String:
                AppendString(text, value);
                break;
            case JsonValueKind.Undefined:
                break;
            default:
                foreach (char c in value.GetRawText())
                    text.Add(c.ToString());
                break;
        }
    }

    private static void AppendObject(CutText text, JsonElement value)
    {
        text.Add("{");
        bool first = true;
        foreach (JsonProperty property in ArgumentOrder.LastOfEachName(value))
        {
            text.Add(first ? "" : ", ");
            text.Add("\"");
            Append(text, NameOf(property), quoted: true);
            text.Add("\": ");
            Append(text, property.Value);
            first = false;
        }

        text.Add("}");
    }

    private static void AppendArray(CutText text, JsonElement value)
    {
        text.Add("[");
        bool first = true;
        foreach (JsonElement item in value.EnumerateArray())
        {
            text.Add(first ? "" : ", ");
            Append(text, item);
            first = false;
        }

        text.Add("]");
    }

    private static void AppendString(CutText text, JsonElement value)
    {
        string content;
        bool quoted = true;
        try
        {
            content = value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // An unpaired surrogate: there is no such text, only its spelling, which has its escapes already.
            content = value.GetRawText()[1..^1];
            quoted = false;
        }

        text.Open("\"");
        Append(text, content, quoted);
        text.Close("\"");
    }

    private static void Append(CutText text, string content, bool quoted)
    {
        List<Rune> runes = new(content.Length);
        List<char> units = new(content.Length);
        for (int i = 0; i < content.Length;)
        {
            bool whole = Rune.TryGetRuneAt(content, i, out Rune rune);
            runes.Add(whole ? rune : Rune.ReplacementChar);
            units.Add(whole ? '\0' : content[i]);
            i += whole ? rune.Utf16SequenceLength : 1;
        }

        bool[] deceptive = VisibleCharacters.Deceptive(runes);
        for (int i = 0; i < runes.Count; i++)
            text.Add(units[i] != '\0' ? Code(units[i]) : Spell(runes[i], deceptive[i], quoted));
    }

    private static string Spell(Rune rune, bool deceptive, bool quoted) => rune.Value switch
    {
        '"' when quoted => "\\\"",
        '\\' when quoted => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ when !deceptive => rune.ToString(),
        _ => string.Concat(rune.ToString().Select(Code)),
    };

    private static string Code(char unit) => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");

    /// <summary>Text up to a length. Pieces go in whole or not at all, and what does not is counted.</summary>
    private sealed class CutText(int most)
    {
        private readonly StringBuilder _text = new();
        private long _missing;
        private string? _open;

        public bool IsCut => _missing > 0;

        public void Add(string piece)
        {
            if (piece.Length == 0)
                return;
            if (IsCut || _text.Length + piece.Length > most)
                _missing++;
            else
                _text.Append(piece);
        }

        /// <summary>A quote that is closed before the mark, so that a mark inside of the text is no mark.</summary>
        public void Open(string quote)
        {
            bool before = IsCut;
            Add(quote);
            if (!before && !IsCut)
                _open = quote;
        }

        public void Close(string quote)
        {
            if (!IsCut)
            {
                _text.Append(quote);
                _open = null;
            }
        }

        public override string ToString() => !IsCut
            ? _text.ToString()
            : string.Create(CultureInfo.InvariantCulture, $"{_text}{_open}… (+{_missing:N0} characters)");
    }
}
