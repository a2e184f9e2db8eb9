using System.Text.RegularExpressions;

namespace Steward.Tests;

/// <summary>The runtime's source by layer, and which layer uses which: by a <c>using</c>, or by a name that is qualified with another layer's namespace.</summary>
internal sealed partial record RuntimeSource(IReadOnlyList<RuntimeSource.SourceFile> Files)
{
    /// <summary>A file of the runtime.</summary>
    /// <param name="Layer">The folder that it stands in.</param>
    /// <param name="Path">Its path below the project.</param>
    /// <param name="Text">What it says.</param>
    internal sealed record SourceFile(string Layer, string Path, string Text);

    /// <summary>Reads a project; files at its top belong to every layer and are left out.</summary>
    public static RuntimeSource Read(string project) => new([.. Directory
        .GetFiles(project, "*.cs", SearchOption.AllDirectories)
        .Select(path => (Path: System.IO.Path.GetRelativePath(project, path).Replace('\\', '/'), Text: File.ReadAllText(path)))
        .Where(file => file.Path.Contains('/', StringComparison.Ordinal))
        .Select(file => new SourceFile(file.Path.Split('/')[0], file.Path, file.Text))]);

    public RuntimeSource With(string layer, string path, string text) => new([.. Files, new SourceFile(layer, path, text)]);

    /// <summary>Each use of another layer.</summary>
    public IEnumerable<(string File, string Layer, string Uses)> Edges()
    {
        HashSet<string> layers = [.. Files.Select(f => f.Layer)];
        HashSet<(string Layer, string Type)> types = [.. Files.SelectMany(f => Declarations().Matches(f.Text).Select(m => (f.Layer, m.Groups[1].Value)))];
        foreach (SourceFile file in Files)
        {
            IEnumerable<string> usings = Usings().Matches(file.Text).Select(m => m.Groups[1].Value).Where(layers.Contains);
            IEnumerable<string> qualified = Qualified().Matches(file.Text)
                .Where(m => types.Contains((m.Groups[1].Value, m.Groups[2].Value)))
                .Select(m => m.Groups[1].Value);
            foreach (string used in usings.Concat(qualified).Where(u => u != file.Layer).Distinct())
                yield return (file.Path, file.Layer, used);
        }
    }

    [GeneratedRegex(@"^(?:global )?using (?:static )?(?:\w+ = )?Steward\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex Usings();

    [GeneratedRegex(@"(?<![\w.])(?:Steward\.)?(\w+)\.(\w+)")]
    private static partial Regex Qualified();

    [GeneratedRegex(@"^\s*(?:public|internal)(?: \w+)* (?:class|record struct|record|struct|interface|enum) (\w+)", RegexOptions.Multiline)]
    private static partial Regex Declarations();
}
