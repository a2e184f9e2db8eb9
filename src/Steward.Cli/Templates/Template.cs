using Steward.Declarative;

namespace Steward.Cli.Templates;

/// <summary>The folder that <c>steward init</c> writes: an agent that works at once, offline.</summary>
internal static class Template
{
    private static readonly string[] s_names = ["agent.yaml", "script.yaml", "seed.sql"];

    /// <summary>The files: a path within the folder, and the text.</summary>
    public static IEnumerable<(string Path, string Content)> Files =>
        [.. s_names.Select(name => (name, Read(name))), ("agent.schema.json", AgentFile.Schema), (".gitignore", "# What the agent makes: its runs and its database.\n.steward/\ndata/\n")];

    private static string Read(string name)
    {
        using Stream stream = typeof(Template).Assembly.GetManifestResourceStream($"Steward.Cli.Templates.{name}")
            ?? throw new InvalidOperationException($"The assembly lacks '{name}'.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
