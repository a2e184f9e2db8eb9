using System.IO.Compression;
using System.Text;

namespace Steward.Models;

/// <summary>Tokens that the public vocabularies o200k and cl100k have in common: what both of them join, a request pays once.</summary>
/// <remarks>
/// The resource holds all common tokens of two bytes, those of three letters, and the commonest whole words. A test makes it anew from the
/// vocabularies (Microsoft.ML.Tokenizers.Data.O200kBase and .Cl100kBase) and fails where it differs.
/// </remarks>
internal sealed class SharedVocabulary
{
    /// <summary>The longest run of spaces for which there is a token of every length up to it.</summary>
    public const int Spaces = 79;

    /// <summary>The same for line feeds.</summary>
    public const int LineFeeds = 10;

    /// <summary>The longest word that is looked up, with the space before it.</summary>
    public const int LongestWord = 20;

    private const int Letters = 26;
    private const string Resource = "Steward.Models.Estimates.vocabulary.br";

    private static readonly Lazy<SharedVocabulary> s_instance = new(Load);
    private readonly ulong[] _pairs = new ulong[65_536 / 64];
    private readonly ulong[] _triples = new ulong[((2 * Letters) + 1) * Letters * Letters / 64 + 1];
    private readonly WordSet _words;

    private SharedVocabulary(IEnumerable<byte[]> tokens)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        foreach (byte[] token in tokens)
        {
            if (token.Length == 2)
                Set(_pairs, (token[0] << 8) | token[1]);
            else if (token.Length == 3 && Triple(token[0], token[1], token[2]) is >= 0 and int triple)
                Set(_triples, triple);
            string text = Encoding.UTF8.GetString(token);
            if (IsWord(text))
                words.Add(text);
        }

        _words = new WordSet(words);
    }

    public static SharedVocabulary Instance => s_instance.Value;

    /// <summary>Whether both vocabularies join two bytes.</summary>
    public bool HasPair(byte first, byte second) => Has(_pairs, (first << 8) | second);

    /// <summary>Whether both vocabularies have three letters as a token. Of other bytes nothing is known.</summary>
    public bool HasTriple(byte first, byte second, byte third) =>
        Triple(first, second, third) is >= 0 and int index && Has(_triples, index);

    /// <summary>Whether both vocabularies have a whole word, with the space before it if it has one.</summary>
    public bool HasWord(ReadOnlySpan<char> word) => word.Length <= LongestWord && _words.Contains(word);

    /// <summary>Whether a token can be a whole piece of text to both vocabularies: capitals, then other letters, perhaps behind a
    /// space.</summary>
    public static bool IsWord(ReadOnlySpan<char> token)
    {
        if (token is [' ', ..])
            token = token[1..];
        bool small = false;
        foreach (char c in token)
        {
            if (!char.IsLetter(c) || (small && char.IsUpper(c))
                || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.TitlecaseLetter)
                return false;
            small |= !char.IsUpper(c);
        }

        return token.Length > 0;
    }

    /// <summary>The place of a triple in its table; negative when it has none.</summary>
    public static int Triple(byte first, byte second, byte third)
    {
        int middle = second - 'a', last = third - 'a';
        if ((uint)middle >= Letters || (uint)last >= Letters)
            return -1;
        int head = first switch
        {
            (byte)' ' => 0,
            >= (byte)'a' and <= (byte)'z' => 1 + first - 'a',
            >= (byte)'A' and <= (byte)'Z' => 1 + Letters + first - 'A',
            _ => -1,
        };
        return head < 0 ? -1 : (((head * Letters) + middle) * Letters) + last;
    }

    /// <summary>The resource's form: each token after its length, in order, compressed.</summary>
    public static byte[] Write(IEnumerable<byte[]> tokens)
    {
        using var buffer = new MemoryStream();
        using (var compressed = new BrotliStream(buffer, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            foreach (byte[] token in tokens)
            {
                compressed.WriteByte((byte)token.Length);
                compressed.Write(token);
            }
        }

        return buffer.ToArray();
    }

    /// <summary>The tokens of the resource.</summary>
    public static IEnumerable<byte[]> Read()
    {
        using Stream resource = typeof(SharedVocabulary).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException("The assembly lacks its vocabulary.");
        using var compressed = new BrotliStream(resource, CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        compressed.CopyTo(bytes);
        bytes.Position = 0;
        while (bytes.ReadByte() is >= 0 and int length)
        {
            byte[] token = new byte[length];
            bytes.ReadExactly(token);
            yield return token;
        }
    }

    private static SharedVocabulary Load() => new(Read());

    private static void Set(ulong[] bits, int index) => bits[index >> 6] |= 1UL << index;

    private static bool Has(ulong[] bits, int index) => (bits[index >> 6] & (1UL << index)) != 0;
}
