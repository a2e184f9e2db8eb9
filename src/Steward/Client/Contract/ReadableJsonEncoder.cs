using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Steward.Tools;

namespace Steward.Client.Contract;

/// <summary>Spells text in JSON as it reads: only what JSON demands and what nobody sees is escaped.</summary>
internal sealed unsafe class ReadableJsonEncoder : JavaScriptEncoder
{
    private ReadableJsonEncoder()
    {
    }

    public static ReadableJsonEncoder Instance { get; } = new();

    /// <summary>Two escapes, for a character of two units.</summary>
    public override int MaxOutputCharactersPerInputCharacter => 12;

    public override bool WillEncode(int unicodeScalar) =>
        unicodeScalar is < ' ' or '"' or '\\'
        || (unicodeScalar > '~' && (!Rune.IsValid(unicodeScalar) || VisibleCharacters.IsHidden(new Rune(unicodeScalar))));

    public override int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var rest = new ReadOnlySpan<char>(text, textLength);
        int at = 0;
        while (at < textLength)
        {
            if (Rune.DecodeFromUtf16(rest[at..], out Rune rune, out int used) != OperationStatus.Done || WillEncode(rune.Value))
                return at;
            at += used;
        }

        return -1;
    }

    public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        var target = new Span<char>(buffer, bufferLength);
        if (!WillEncode(unicodeScalar))
            return new Rune(unicodeScalar).TryEncodeToUtf16(target, out numberOfCharactersWritten);
        string escape = unicodeScalar switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\b' => "\\b",
            '\f' => "\\f",
            _ => Escape(unicodeScalar),
        };
        numberOfCharactersWritten = escape.Length;
        if (escape.TryCopyTo(target))
            return true;
        numberOfCharactersWritten = 0;
        return false;
    }

    private static string Escape(int scalar)
    {
        string units = Rune.IsValid(scalar) ? new Rune(scalar).ToString() : ((char)scalar).ToString();
        return string.Concat(units.Select(u => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)u:x4}")));
    }
}
