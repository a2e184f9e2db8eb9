using System.IO.Compression;
using System.Reflection;
using System.Text;
using Microsoft.ML.Tokenizers;
using Steward.Models;

namespace Steward.Tests.Models.Estimates;

/// <summary>The vocabularies that OpenAI published: what an estimate is held against, and what the shared vocabulary is made of.</summary>
internal static class PublicVocabularies
{
    /// <summary>How many whole words the shared vocabulary has: the commonest, by their ranks.</summary>
    private const int Words = 12_000;

    private static readonly Lazy<TiktokenTokenizer> s_o200k = new(() => TiktokenTokenizer.CreateForEncoding("o200k_base"));
    private static readonly Lazy<TiktokenTokenizer> s_cl100k = new(() => TiktokenTokenizer.CreateForEncoding("cl100k_base"));
    private static readonly Lazy<Dictionary<string, int>> s_common = new(Intersect);

    /// <summary>The tokens of a text, in the vocabulary that needs more.</summary>
    public static int Count(string text) => Math.Max(O200k(text), Cl100k(text));

    public static int O200k(string text) => s_o200k.Value.CountTokens(text);

    public static int Cl100k(string text) => s_cl100k.Value.CountTokens(text);

    /// <summary>Whether both have a token, given as Latin-1.</summary>
    public static bool Have(string token) => s_common.Value.ContainsKey(token);

    /// <summary>The shared vocabulary, made anew.</summary>
    public static byte[][] MakeShared()
    {
        (byte[] Bytes, int Rank)[] common = [.. s_common.Value.Select(t => (Encoding.Latin1.GetBytes(t.Key), t.Value))];
        IEnumerable<byte[]> small = common.Select(t => t.Bytes)
            .Where(t => t.Length == 2 || (t.Length == 3 && SharedVocabulary.Triple(t[0], t[1], t[2]) >= 0));
        IEnumerable<byte[]> words = common.Where(t => IsWord(t.Bytes)).OrderBy(t => t.Rank).Take(Words).Select(t => t.Bytes);
        return [.. small.Concat(words).DistinctBy(Convert.ToHexString).OrderBy(Convert.ToHexString, StringComparer.Ordinal)];
    }

    private static bool IsWord(byte[] token)
    {
        try
        {
            string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(token);
            return text.Length <= SharedVocabulary.LongestWord && SharedVocabulary.IsWord(text);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static Dictionary<string, int> Intersect()
    {
        Dictionary<string, int> other = Read("Microsoft.ML.Tokenizers.Data.Cl100kBase");
        return Read("Microsoft.ML.Tokenizers.Data.O200kBase")
            .Where(t => other.ContainsKey(t.Key))
            .ToDictionary(t => t.Key, t => Math.Max(t.Value, other[t.Key]), StringComparer.Ordinal);
    }

    private static Dictionary<string, int> Read(string assembly)
    {
        var tokens = new Dictionary<string, int>(StringComparer.Ordinal);
        Assembly data = Assembly.Load(assembly);
        string name = data.GetManifestResourceNames().Single(n => n.Contains("tiktoken", StringComparison.Ordinal));
        using var inflated = new DeflateStream(data.GetManifestResourceStream(name)!, CompressionMode.Decompress);
        using var reader = new StreamReader(inflated);
        while (reader.ReadLine() is { } line)
        {
            if (line.Split(' ')[0] is { Length: > 0 } token && !line.StartsWith("Capacity", StringComparison.Ordinal))
                tokens.Add(Encoding.Latin1.GetString(Convert.FromBase64String(token)), tokens.Count);
        }

        return tokens;
    }
}
