using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Steward.Tests;

/// <summary>Holds the direction of dependencies, between projects and between the runtime's folders.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string[] s_forbiddenInRuntime = ["Microsoft.Data.Sqlite", "SQLitePCLRaw", "Npgsql", "Anthropic", "OpenAI", "Microsoft.AspNetCore", "YamlDotNet", "Spectre"];

    /// <summary>What each folder of the runtime must not know.</summary>
    public static TheoryData<string, string[]> Folders => new()
    {
        { "Storage", ["Steward.Hosting", "Steward.Orchestration", "Steward.Agents", "Steward.Models"] },
        { "Budgets", ["Steward.Hosting", "Steward.Orchestration", "Steward.Agents", "Steward.Models"] },
        { "Diagnostics", ["Steward.Hosting", "Steward.Orchestration", "Steward.Agents"] },
        { "Models", ["Steward.Hosting", "Steward.Orchestration"] },
        { "Tools", ["Steward.Hosting", "Steward.Orchestration"] },
        { "Agents", ["Steward.Hosting"] },
        { "Orchestration", ["Steward.Hosting"] },
        { "Runs", ["Steward.Hosting"] },
        { "TimeTravel", ["Steward.Hosting"] },
    };

    [Fact]
    public void Runtime_References_NoDriverNoVendorNoWeb()
    {
        string[] packages = [.. References("Steward", "PackageReference")];

        Assert.NotEmpty(packages);
        Assert.DoesNotContain(packages, p => s_forbiddenInRuntime.Any(f => p.StartsWith(f, StringComparison.Ordinal)));
        Assert.Empty(References("Steward", "ProjectReference"));
    }

    [Fact]
    public void PlugIns_ReferenceTheRuntimeAndNoOtherPlugIn()
    {
        foreach (string project in Directory.GetDirectories(Source()).Select(Path.GetFileName).Where(p => p is not ("Steward" or "Steward.Cli"))!)
            Assert.All(References(project!, "ProjectReference"), r => Assert.EndsWith("/Steward.csproj", r.Replace('\\', '/'), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Folder_Uses_NothingAboveIt(string folder, string[] above)
    {
        string[] files = Directory.GetFiles(Path.Combine(Source(), "Steward", folder), "*.cs", SearchOption.AllDirectories);

        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.DoesNotContain(Usings().Matches(File.ReadAllText(file)), u => above.Any(a => u.Groups[1].Value.StartsWith(a, StringComparison.Ordinal))));
    }

    [Fact]
    public void Projects_NoRegistryHostNoMachinePath()
    {
        string root = Path.GetDirectoryName(Source())!;
        string[] files = [.. Directory.GetFiles(root, "*.props"), .. Directory.GetFiles(Source(), "*.csproj", SearchOption.AllDirectories), .. Directory.GetFiles(Path.Combine(root, "tests"), "package-lock.json", SearchOption.AllDirectories).Where(f => !f.Contains("node_modules", StringComparison.Ordinal))];
        Assert.All(files, f => Assert.DoesNotMatch("\"resolved\"|nuget\\.org|registry\\.", File.ReadAllText(f)));
    }

    private static IEnumerable<string> References(string project, string kind) =>
        XDocument.Load(Path.Combine(Source(), project, $"{project}.csproj")).Descendants(kind).Select(r => r.Attribute("Include")!.Value);

    private static string Source()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Steward.slnx")))
                return Path.Combine(folder.FullName, "src");
        }

        throw new InvalidOperationException($"No Steward.slnx above '{AppContext.BaseDirectory}': run the tests from a checkout.");
    }

    [GeneratedRegex(@"^using (?:static )?([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Usings();
}
