namespace Steward.Tests.PublicApi;

/// <summary>The public surface of each shipped assembly, beside what was agreed on: a change of it is seen in review, not by a user.</summary>
/// <remarks>Nullability and attributes are not shown.</remarks>
public sealed class PublicApiTests
{
    private static readonly string s_root = Root();

    public static TheoryData<string> Shipped => [.. Directory.GetDirectories(Path.Combine(s_root, "src")).Select(folder => Path.GetFileName(folder)!).Where(IsShipped).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Shipped))]
    public void Assembly_Surface_IsTheOneAgreedOn(string name)
    {
        string file = Path.Combine(s_root, "tests", "Steward.Tests", "PublicApi", $"{name}.txt");
        string[] actual = PublicSurface.Of(AssemblyOf(name));
        if (Environment.GetEnvironmentVariable("STEWARD_WRITE_API") == "1")
            File.WriteAllText(file, string.Join('\n', actual) + '\n');
        string[] agreed = File.Exists(file) ? File.ReadAllLines(file) : [];
        Assert.True(
            agreed.SequenceEqual(actual),
            $"The public surface of {name} is not the one in tests/Steward.Tests/PublicApi/{name}.txt:\n{Difference(agreed, actual)}\nIf that is meant, accept it: run this test with STEWARD_WRITE_API=1, and commit the file.");
    }

    [Fact]
    public void Difference_MemberGoneAndAnotherNew_NamesBothUnderTheirType() =>
        Assert.Equal("A\n-   Old() : void\n+   New() : void", Difference(["A", "  Kept", "  Old() : void"], ["A", "  Kept", "  New() : void"]));

    /// <summary>Lines that are gone or new, each under its type.</summary>
    private static string Difference(string[] agreed, string[] actual)
    {
        HashSet<(string Type, string Line)> before = [.. Typed(agreed)], after = [.. Typed(actual)];
        var changes = before.Except(after).Select(l => (l.Type, Line: $"- {l.Line}")).Concat(after.Except(before).Select(l => (l.Type, Line: $"+ {l.Line}")));
        return string.Join('\n', changes.GroupBy(l => l.Type).OrderBy(g => g.Key, StringComparer.Ordinal).SelectMany(g => g.Select(l => l.Line).Prepend(g.Key)));
    }

    private static IEnumerable<(string Type, string Line)> Typed(string[] lines)
    {
        string type = "";
        foreach (string line in lines)
        {
            if (!line.StartsWith(' '))
                type = line;
            yield return (type, line);
        }
    }

    private static bool IsShipped(string name) => File.Exists(Path.Combine(s_root, "src", name, $"{name}.csproj"));

    /// <summary>The assembly as it was built beside the tests, with the same configuration.</summary>
    private static string AssemblyOf(string name)
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        return Path.Combine(s_root, "artifacts", "bin", name, configuration, $"{name}.dll");
    }

    private static string Root()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Steward.slnx")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"No Steward.slnx above '{AppContext.BaseDirectory}': run the tests from a checkout.");
    }
}
