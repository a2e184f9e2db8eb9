namespace Steward.Docs.Tests;

/// <summary>The checkout that the tests run in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static IEnumerable<string> Docs() => Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md").Order(StringComparer.Ordinal);

    private static string Find()
    {
        DirectoryInfo at = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Steward.slnx")))
            at = at.Parent ?? throw new DirectoryNotFoundException("The tests do not run in the repository.");
        return at.FullName;
    }
}
