using System.Text.RegularExpressions;

namespace Steward.Docs.Tests;

/// <summary>Prose that readers need not read twice: short sentences, without nested relative clauses.</summary>
public sealed partial class ProseTests
{
    private const int MostWords = 32;

    public static TheoryData<string> Files =>
        [.. Repository.Docs().Select(file => Path.GetRelativePath(Repository.Root, file)), "README.md", "ARCHITECTURE.md"];

    [Theory]
    [MemberData(nameof(Files))]
    public void Sentences_AreShort(string file) => Assert.Empty(Find(file, sentence => sentence.Words > MostWords));

    [Theory]
    [MemberData(nameof(Files))]
    public void Sentences_NestNoClauses(string file) => Assert.Empty(Find(file, sentence => Nested().IsMatch(sentence.Text)));

    [Fact]
    public void Sentences_OfParagraphsListsAndTables_AreToldApart()
    {
        const string Markdown =
            """
            # A heading. Not a sentence.

            The first one ends here. The second
            goes on in **bold.** *Third*, with [a link. It
            is one](there.md).
            - An item;
              its second half.
            2. Another item
            | cell. One | cell `a.b. C`, `d` and `e` |
            |---|---|

                code. In a block.
            ```
            code. Here too.
            ```
            """;

        Assert.Equal(
            [
                (3, "The first one ends here."),
                (3, "The second goes on in bold."),
                (3, "Third, with a link."),
                (3, "It is one."),
                (6, "An item;"),
                (6, "its second half."),
                (8, "Another item"),
                (9, "cell."),
                (9, "One"),
                (9, "cell Code"),
            ],
            Prose.Sentences(Markdown).Where(s => s.Words > 0).Select(s => (s.Line, s.Text)));
    }

    [Fact]
    public void Words_OfNumbersAndDashes_AreCountedAsRead()
    {
        Sentence sentence = Assert.Single(Prose.Sentences("It takes 5 ms – or `a`, `b` and `c` – at most (8 KiB)."));

        Assert.Equal(10, sentence.Words);
    }

    [Theory]
    [InlineData("A run of which nothing is left.")]
    [InlineData("Whoever comes first.")]
    [InlineData("The person for whom\nit runs.")]
    public void Nested_InAnySpelling_IsFound(string markdown) => Assert.Contains(Prose.Sentences(markdown), s => Nested().IsMatch(s.Text));

    private static IEnumerable<string> Find(string file, Func<Sentence, bool> isWrong) =>
        from sentence in Prose.Sentences(File.ReadAllText(Path.Combine(Repository.Root, file)))
        where isWrong(sentence)
        select $"{file}:{sentence.Line} ({sentence.Words} words) {sentence.Beginning}";

    [GeneratedRegex(@"\b(of which|for whom|of whom|whoever)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Nested();
}
