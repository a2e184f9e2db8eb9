namespace Steward.AspNetCore.Tests;

/// <summary>A folder for one SQLite file, gone with the test.</summary>
internal sealed class TestDatabase : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("steward-api-").FullName;

    public string Path => System.IO.Path.Combine(_folder, "runs.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
