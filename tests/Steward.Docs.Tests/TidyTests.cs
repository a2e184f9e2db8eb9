using System.Text.RegularExpressions;

namespace Steward.Docs.Tests;

/// <summary>What reviews would otherwise say again and again.</summary>
public sealed partial class TidyTests
{
    private const int Longest = 140;

    [Fact]
    public void Sources_LinesAreShort_UnlessAStringIsLong()
    {
        string[] tooLong =
        [
            .. from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
               where !file.Split(Path.DirectorySeparatorChar).Contains("obj")
               from line in LongLines(File.ReadAllText(file))
               select $"{Path.GetRelativePath(Repository.Root, file)}:{line}",
        ];
        Assert.Empty(tooLong);
    }

    [Fact]
    public void LongLines_OfCodeAndOfStrings_AreToldApart()
    {
        string filler = new('x', Longest);

        Assert.Equal([2], LongLines($"a\nint {filler} = 1;\n"));
        Assert.Equal([1], LongLines($"// {filler}"));
        Assert.Empty(LongLines($"string s = \"{filler}\";"));
        Assert.Empty(LongLines($"string s = \"\"\"\n{filler}\n\"\"\";"));
        Assert.Equal([4], LongLines($"string s = \"\"\"\n{filler}\n\"\"\";\nint {filler};"));
    }

    /// <summary>The numbers of the lines that are too long without their strings.</summary>
    private static IEnumerable<int> LongLines(string source)
    {
        string withoutRaw = RawString().Replace(source, m => "\"" + new string('\n', m.Value.Count(c => c == '\n')) + "\"");
        int number = 0;
        foreach (string line in withoutRaw.Split('\n'))
        {
            number++;
            if (line.Length > Longest && Literal().Replace(line, "\"\"").Length > Longest)
                yield return number;
        }
    }

    [GeneratedRegex("(\"{3,}).*?\\1", RegexOptions.Singleline)]
    private static partial Regex RawString();

    // An interpolated string may hold strings in its holes: from the first quote to the last one of the line.
    [GeneratedRegex("\".*\"")]
    private static partial Regex Literal();
}
