using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Steward.Docs.Tests;

/// <summary>What a reader copies compiles: all C# of the README as one program, and every block of the docs that begins with its usings.</summary>
public sealed class SnippetTests
{
    private static readonly string s_implicitUsings = string.Concat(
        new[] { "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks" }
            .Select(n => $"global using {n};\n"));

    public static TheoryData<string> Docs => [.. Repository.Docs().Where(f => Blocks(f).Any(IsWhole)).Select(f => Path.GetFileName(f))];

    [Fact]
    public void Readme_ItsCSharp_IsAProgram()
    {
        string[] blocks = [.. Blocks(Path.Combine(Repository.Root, "README.md"))];
        Assert.True(blocks.Length >= 2);
        Assert.Empty(Errors(string.Join("\n", blocks)));
    }

    [Theory]
    [MemberData(nameof(Docs))]
    public void Doc_BlocksWithUsings_Compile(string doc)
    {
        foreach (string block in Blocks(Path.Combine(Repository.Root, "docs", doc)).Where(IsWhole))
            Assert.Empty(Errors(block));
    }

    [Fact]
    public void Errors_BrokenProgram_AreFound() => Assert.NotEmpty(Errors("using Steward.Hosting;\nbuilder.Services.AddSteward();"));

    private static bool IsWhole(string block) => block.StartsWith("using ", StringComparison.Ordinal) && block.Contains("using Steward", StringComparison.Ordinal);

    private static IEnumerable<string> Blocks(string file) =>
        File.ReadAllText(file).Split("```csharp\n").Skip(1).Select(part => part[..part.IndexOf("```", StringComparison.Ordinal)]);

    private static string[] Errors(string program)
    {
        string[] loaded = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var compilation = CSharpCompilation.Create(
            "snippet",
            [CSharpSyntaxTree.ParseText(s_implicitUsings), CSharpSyntaxTree.ParseText(program)],
            loaded.Where(a => !a.EndsWith("Steward.Docs.Tests.dll", StringComparison.Ordinal)).Select(a => MetadataReference.CreateFromFile(a)),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        return [.. compilation.GetDiagnostics().Where(d => d.Severity >= DiagnosticSeverity.Warning && d.Id != "CS8933").Select(d => d.ToString())];
    }
}
