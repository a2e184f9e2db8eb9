using System.Reflection;
using System.Text.RegularExpressions;
using Steward.Journal;

namespace Steward.Tests.Journal;

/// <summary>Operators look a reason up in docs/budgets.md: every one is explained there, and none that does not exist.</summary>
public sealed partial class ReasonTests
{
    private static readonly string[] s_reasons =
        [.. typeof(Reasons).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetRawConstantValue()!)];

    [Fact]
    public void Documents_ListEveryReasonAndNoOther()
    {
        string[] listed =
        [
            .. Rows().Matches(Document()).SelectMany(row => Words().Matches(row.Groups[1].Value)).Select(word => word.Groups[1].Value),
        ];

        Assert.NotEmpty(s_reasons);
        Assert.Equal(s_reasons.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    /// <summary>The part of the document that explains reasons.</summary>
    private static string Document()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Steward.slnx")))
            folder = folder.Parent;
        string text = File.ReadAllText(Path.Combine(folder!.FullName, "docs", "budgets.md"));
        return text[text.IndexOf("## Reasons of a failed run", StringComparison.Ordinal)..];
    }

    /// <summary>The first cell of a table's row.</summary>
    [GeneratedRegex(@"^\|([^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [GeneratedRegex("`([a-z_]+)`")]
    private static partial Regex Words();
}
