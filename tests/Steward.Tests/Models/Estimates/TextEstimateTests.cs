using System.Globalization;
using System.Text;
using Steward.Models;
using Steward.Tests.Shared;

namespace Steward.Tests.Models.Estimates;

/// <summary>The bound of a text is never below what the public vocabularies make of it, and near it for what people and programs write.</summary>
public sealed class TextEstimateTests(ITestOutputHelper output)
{
    private static readonly string[] s_pieces =
    [
        "'s", "'ll", "'", "''", "\"", "\"'", "(", "//", "/", ";\n/", "\n", "\r\n", "\r", " ", "  ", "    ", "\t", "the", "The", " World", "HTTP", "iPhone", "don't",
        "é", "e\u0301", "ñ", "Ж", "что", " д", "中", "文", "の", "한국", "😀", "👨‍👩‍👧", "1", "23", "4567", "½", "٣", "①", "_", "-", "=", "{}", ";", ".", "\u00a0", "\u3000",
        "\u200b", "\u2028", "ſ", "ǅ", "ʰ", "x", "q", "zz", "ü", "ไทย", "क्ष", "\ufffd", "\ue000", "𝒳", "A", "B", "Ab", "word", "ing", "<|endoftext|>", "\0", "\u0085",
    ];

    public static TheoryData<string> Kinds => [.. Corpus.Texts.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Bound_OfTheCorpus_IsNeverBelowTheTruthAndTighterThanBytes(string kind)
    {
        List<double> bounds = [], bytes = [];
        foreach (string text in Corpus.Texts[kind])
        {
            long bound = TextEstimate.Of(text);
            int real = PublicVocabularies.Count(text);
            int size = Encoding.UTF8.GetByteCount(text);
            Assert.InRange(real, 1, bound);
            Assert.InRange(bound, 1, size);
            bounds.Add((double)bound / real);
            bytes.Add((double)size / real);
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {kind} | {Median(bounds):F2} | {Median(bytes):F2} |"));
        Assert.True(Median(bounds) < 3.2, $"{kind}: {Median(bounds)} times the truth");
    }

    [Fact]
    public void Bound_OfRandomTexts_IsNeverBelowTheTruth()
    {
        var random = new Random(20_261_201);
        int texts = SuiteSize.Of(6_000, 60_000);
        for (int i = 0; i < texts; i++)
        {
            string text = Compose(random, i % 6);
            Assert.True(
                TextEstimate.Of(text) >= PublicVocabularies.Count(text),
                $"{System.Text.Json.JsonSerializer.Serialize(text)}: {TextEstimate.Of(text)} < {PublicVocabularies.O200k(text)}, {PublicVocabularies.Cl100k(text)}");
        }
    }

    /// <summary>One character many times, for each of the basic plane's thousands and each of some blocks beyond it.</summary>
    [Fact]
    public void Bound_OfARepeatedCharacter_IsNeverBelowTheTruth()
    {
        for (int point = 1; point < 0x1FB00; point += point < 0x3000 ? 1 : 37)
        {
            if (point is >= 0xD800 and < 0xE000)
                continue;
            string text = string.Concat(Enumerable.Repeat(char.ConvertFromUtf32(point), 1 + (point % 90)));
            Assert.True(TextEstimate.Of(text) >= PublicVocabularies.Count(text), $"U+{point:X4} × {1 + (point % 90)}");
        }
    }

    /// <summary>Every pair of pieces, so that each border of the patterns is met from both sides.</summary>
    [Fact]
    public void Bound_OfEachPairOfPieces_IsNeverBelowTheTruth()
    {
        foreach (string left in s_pieces)
        {
            foreach (string right in s_pieces)
            {
                foreach (string text in (string[])[left + right, "a" + left + right + "b", " " + left + right + " ", left + right + left])
                    Assert.True(TextEstimate.Of(text) >= PublicVocabularies.Count(text), System.Text.Json.JsonSerializer.Serialize(text));
            }
        }
    }

    [Fact]
    public void Vocabulary_IsWhatBothHaveInCommon()
    {
        byte[][] made = PublicVocabularies.MakeShared();
        if (Environment.GetEnvironmentVariable("STEWARD_WRITE_VOCABULARY") is { Length: > 0 } file)
            File.WriteAllBytes(file, SharedVocabulary.Write(made));

        Assert.Equal(made.Select(Convert.ToHexString), SharedVocabulary.Read().Select(Convert.ToHexString));
        for (int length = 1; length <= SharedVocabulary.Spaces; length++)
            Assert.True(PublicVocabularies.Have(new string(' ', length)), $"{length} spaces");
        for (int length = 1; length <= SharedVocabulary.LineFeeds; length++)
            Assert.True(PublicVocabularies.Have(new string('\n', length)), $"{length} line feeds");
    }

    private static string Compose(Random random, int kind)
    {
        var text = new StringBuilder();
        for (int length = random.Next(1, kind == 5 ? 200 : 24); length > 0; length--)
        {
            _ = kind switch
            {
                0 => text.Append(s_pieces[random.Next(s_pieces.Length)]),
                1 => text.Append((char)random.Next(32, 127)),
                2 => text.Append(AnyCharacter(random)),
                3 => text.Append(s_pieces[random.Next(s_pieces.Length)]).Append((char)random.Next('a', 'z' + 1)),
                4 => text.Append((char)random.Next('a', 'z' + 1)),
                _ => text.Append(" \n\t\r\u3000"[random.Next(random.Next(1, 6))]),
            };
        }

        return text.ToString();
    }

    private static string AnyCharacter(Random random)
    {
        int point;
        do
            point = random.Next(0x20, random.Next(2) == 0 ? 0x3000 : 0x20000);
        while (point is >= 0xD800 and < 0xE000);
        return char.ConvertFromUtf32(point);
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
