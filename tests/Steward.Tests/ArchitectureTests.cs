using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Steward.Tests;

/// <summary>Holds the direction of dependencies, between projects and between the runtime's folders.</summary>
public sealed class ArchitectureTests
{
    private static readonly string[] s_forbiddenInRuntime = ["Microsoft.Data.Sqlite", "SQLitePCLRaw", "Npgsql", "Anthropic", "OpenAI", "Microsoft.AspNetCore", "YamlDotNet", "Spectre"];

    /// <summary>The layers of the runtime, lowest first. A folder uses only what stands before it; folders of one line may use each other.</summary>
    /// <remarks>Agents and State are the decision core: what an agent is and what a run of it does next are one thought. It is the one cycle.</remarks>
    private static readonly string[][] s_layers =
    [
        ["Journal"],
        ["Storage"],
        ["Tools"],
        ["Agents", "State"],
        ["Memory"],
        ["Policy"],
        ["Models"],
        ["Engine"],
        ["TimeTravel"],
        ["Client"],
        ["Diagnostics"],
        ["Hosting"],
    ];

    [Fact]
    public void Runtime_References_NoDriverNoVendorNoWeb()
    {
        string[] packages = [.. References("Steward", "PackageReference")];

        Assert.NotEmpty(packages);
        Assert.DoesNotContain(packages, p => s_forbiddenInRuntime.Any(f => p.StartsWith(f, StringComparison.Ordinal)));
        Assert.Equal(["../Steward.JsonSchema/Steward.JsonSchema.csproj"], References("Steward", "ProjectReference"));
    }

    [Fact]
    public void JsonSchema_References_NothingOfStewardAndNoPackage()
    {
        Assert.Empty(References("Steward.JsonSchema", "ProjectReference"));
        Assert.Empty(References("Steward.JsonSchema", "PackageReference"));
    }

    [Fact]
    public void Declarative_References_TheModelsThatAFileCanName() => Assert.Equal(
        ["../Steward.Providers/Steward.Providers.csproj", "../Steward.Testing/Steward.Testing.csproj", "../Steward/Steward.csproj"],
        References("Steward.Declarative", "ProjectReference").Order(StringComparer.Ordinal));

    [Fact]
    public void PlugIns_ReferenceTheRuntimeAndNoOtherPlugIn()
    {
        // These assemble plug-ins: an agent.yaml names providers and scripts, the command line names everything.
        foreach (string project in Directory.GetDirectories(Source()).Select(Path.GetFileName).Where(p => p is not ("Steward" or "Steward.JsonSchema" or "Steward.Declarative" or "Steward.Cli"))!)
            Assert.All(References(project!, "ProjectReference"), r => Assert.EndsWith("/Steward.csproj", r.Replace('\\', '/'), StringComparison.Ordinal));
    }

    /// <summary>What ships uses what is public, so that a user's own package can do what ours does.</summary>
    [Fact]
    public void Projects_GrantTheirInternalsToNoProjectThatShips()
    {
        string[] projects = [.. Directory.GetDirectories(Source()).Select(Path.GetFileName)!];

        Assert.All(projects, project => Assert.Empty(References(project, "InternalsVisibleTo").Intersect(projects)));
        Assert.Contains("Steward.Tests", References("Steward", "InternalsVisibleTo"));
        Assert.DoesNotContain(
            Directory.GetFiles(Source(), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText),
            text => text.Contains("InternalsVisibleTo(", StringComparison.Ordinal));
    }

    [Fact]
    public void Layers_UseOnlyWhatIsBelowThem()
    {
        RuntimeSource source = RuntimeSource.Read(Path.Combine(Source(), "Steward"));

        Assert.All(source.Files, file => Assert.True(RankOf(file.Layer) >= 0, $"{file.Path} stands in no layer."));
        Assert.Empty(UpwardEdges(source));
    }

    [Theory]
    [InlineData("Storage", "using Steward.Engine;", "Storage/Planted.cs uses Engine")]
    [InlineData("Journal", "internal sealed class Planted { public State.RunState? State { get; } }", "Journal/Planted.cs uses State")]
    [InlineData("Models", "internal sealed class Planted { public Steward.Client.RunHandle? Handle { get; } }", "Models/Planted.cs uses Client")]
    public void Layers_UpwardEdgePlanted_IsFound(string layer, string code, string edge)
    {
        RuntimeSource source = RuntimeSource.Read(Path.Combine(Source(), "Steward"));

        Assert.Equal([edge], UpwardEdges(source.With(layer, $"{layer}/Planted.cs", $"namespace Steward.{layer};\n{code}\n")));
    }

    [Fact]
    public void Projects_NoRegistryHostNoMachinePath()
    {
        string root = Path.GetDirectoryName(Source())!;
        string[] files = [.. Directory.GetFiles(root, "*.props"), .. Directory.GetFiles(Source(), "*.csproj", SearchOption.AllDirectories), .. Directory.GetFiles(Path.Combine(root, "tests"), "package-lock.json", SearchOption.AllDirectories).Where(f => !f.Contains("node_modules", StringComparison.Ordinal))];
        Assert.All(files, f => Assert.DoesNotMatch("\"resolved\"|nuget\\.org|registry\\.", File.ReadAllText(f)));
    }

    /// <summary>Who uses a library has no <c>steward</c> command: the command line adds its own where it prints.</summary>
    [Fact]
    public void Messages_OutsideTheCommandLine_NameNoCommand() =>
        Assert.Empty(Lines(p => p != "Steward.Cli").Where(l => Regex.IsMatch(l.Text, "\"[^\"]*\\bsteward [a-z]")).Select(l => l.Where));

    /// <summary>A status has its name in <c>RunStatusExtensions</c>; SQL takes it from there.</summary>
    [Fact]
    public void Stores_StatusNames_AreNotWrittenIntoSql() =>
        Assert.Empty(Lines(p => p is "Steward.Sqlite" or "Steward.Postgres")
            .Where(l => Regex.IsMatch(l.Text, "'(planning|executing|awaiting|completed|failed|cancelled)'"))
            .Select(l => l.Where));

    /// <summary>The lines of code of some projects, without comments.</summary>
    private static IEnumerable<(string Where, string Text)> Lines(Func<string, bool> wanted) =>
        from project in Directory.GetDirectories(Source())
        where wanted(Path.GetFileName(project))
        from file in Directory.GetFiles(project, "*.cs", SearchOption.AllDirectories)
        from line in File.ReadLines(file).Select((text, i) => (Where: $"{Path.GetRelativePath(Source(), file)}:{i + 1}", Text: text))
        where !line.Text.TrimStart().StartsWith("//", StringComparison.Ordinal)
        select line;

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

    private static int RankOf(string layer) => Array.FindIndex(s_layers, line => line.Contains(layer));

    private static string[] UpwardEdges(RuntimeSource source) =>
        [.. source.Edges().Where(e => RankOf(e.Uses) > RankOf(e.Layer)).Select(e => $"{e.File} uses {e.Uses}").Distinct().Order(StringComparer.Ordinal)];
}
