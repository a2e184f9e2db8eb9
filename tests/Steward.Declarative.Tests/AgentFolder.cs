using Steward.Declarative.Sections;

namespace Steward.Declarative.Tests;

/// <summary>An agent's folder in a temporary place, and an environment of its own.</summary>
internal sealed class AgentFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("steward-agent-");

    public AgentFolder(params IEnumerable<(string Path, string Content)> files)
    {
        foreach ((string path, string content) in files)
            Write(path, content);
    }

    public static string Repository { get; } = FindRepository();

    public string Path => _folder.FullName;

    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal);

    /// <summary>A copy of a sample, without what its runs made.</summary>
    public static AgentFolder Sample(string name)
    {
        string source = System.IO.Path.Combine(Repository, "samples", name);
        return new AgentFolder(Directory.EnumerateFiles(source).Select(f => (System.IO.Path.GetFileName(f), System.IO.File.ReadAllText(f))));
    }

    public void Write(string path, string content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(File(path))!);
        System.IO.File.WriteAllText(File(path), content);
    }

    public string File(string path) => System.IO.Path.Combine(Path, path);

    public AgentFile Load(bool scripted = false) => AgentFile.Load(Path, new AgentFileOptions { Environment = Environment.GetValueOrDefault, Scripted = scripted });

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _folder.Delete(recursive: true);
    }

    private static string FindRepository()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (System.IO.File.Exists(System.IO.Path.Combine(at.FullName, "Steward.slnx")))
                return at.FullName;
        }

        throw new InvalidOperationException("The tests do not run in the repository.");
    }
}
