using System.Text;
using System.Text.RegularExpressions;

namespace Steward.Docs.Tests;

/// <summary>A sentence of a Markdown file.</summary>
/// <param name="Line">The line in which its paragraph, list item or table row begins.</param>
/// <param name="Text">The sentence without its markup; a list of code spans stands as one word.</param>
internal sealed record Sentence(int Line, string Text)
{
    public int Words => Text.Split(' ').Count(word => word.Any(char.IsLetterOrDigit));

    /// <summary>The beginning, to find it by.</summary>
    public string Beginning => Text.Length <= 60 ? Text : $"{Text[..60]}…";
}

/// <summary>Cuts Markdown into sentences. Code blocks and headings have none; each cell of a table has its own.</summary>
internal static partial class Prose
{
    public static IEnumerable<Sentence> Sentences(string markdown) =>
        from block in Blocks(markdown)
        from text in EndOfSentence().Split(WithoutMarkup(block.Text))
        where text.Length > 0
        select new Sentence(block.Line, text);

    /// <summary>Paragraphs, list items and table cells, each with the line in which it begins.</summary>
    private static IEnumerable<(int Line, string Text)> Blocks(string markdown)
    {
        var block = new StringBuilder();
        int start = 0, number = 0;
        bool isCode = false;
        foreach (string line in markdown.Split('\n').Append(""))
        {
            number++;
            bool isFence = line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            isCode ^= isFence;
            bool isText = !isFence && !isCode && !Heading().IsMatch(line) && !string.IsNullOrWhiteSpace(line);
            bool isRow = isText && line.StartsWith('|');
            if (block.Length > 0 && (!isText || isRow || ListItem().IsMatch(line)))
            {
                yield return (start, block.ToString());
                block.Clear();
            }
            if (isRow)
            {
                foreach (string cell in CellBorder().Split(line))
                    yield return (number, cell);
            }
            else if (isText && (block.Length > 0 || !line.StartsWith("    ", StringComparison.Ordinal) || ListItem().IsMatch(line)))
            {
                start = block.Length == 0 ? number : start;
                block.Append(' ').Append(ListItem().Replace(line, ""));
            }
        }
    }

    private static string WithoutMarkup(string text)
    {
        text = CodeSpan().Replace(text, "Code");
        text = Link().Replace(text, "$1");
        text = text.Replace("**", "", StringComparison.Ordinal).Replace("*", "", StringComparison.Ordinal);
        return CodeList().Replace(Space().Replace(text, " "), "Code").Trim();
    }

    // A colon ends no sentence: what follows explains it.
    [GeneratedRegex(@"(?<=[.!?;][)""]?) (?=\S)")]
    private static partial Regex EndOfSentence();

    [GeneratedRegex("^#+ ")]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\s*([-*]|\d+\.)\s+")]
    private static partial Regex ListItem();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex CellBorder();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"Code(,? (and |or )?Code)+")]
    private static partial Regex CodeList();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
