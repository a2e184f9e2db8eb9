using System.Runtime.Versioning;
using Steward.Storage;

namespace Steward.Sqlite.Tests;

/// <summary>What people and models said is for the owner of the files alone.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PrivateFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Store_NewFile_IsItsOwnersAloneAndSoAreItsLogAndItsWitness()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        await using (SqliteStewardStore store = await _folder.OpenAsync())
        {
            await store.EngageAsync(new KillSwitch("global", "ann", null, DateTimeOffset.UnixEpoch), TestContext.Current.CancellationToken);
            string[] files = Directory.GetFiles(Path.GetDirectoryName(_folder.Database)!, Path.GetFileName(_folder.Database) + "*");
            Assert.Contains(files, f => f.EndsWith("-wal", StringComparison.Ordinal));
            Assert.All(files, f => Assert.Equal((f, UnixFileMode.UserRead | UnixFileMode.UserWrite), (f, File.GetUnixFileMode(f))));
        }

        File.SetUnixFileMode(_folder.Database, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        await using SqliteStewardStore again = await _folder.OpenAsync();
        Assert.True(PrivateFiles.IsOpenToOthers(_folder.Database)); // Somebody wanted it so.
    }

    [Fact]
    public void Folder_New_IsItsOwnersAlone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        string inner = Path.Combine(Path.GetDirectoryName(_folder.Database)!, "a", "b");
        PrivateFiles.CreateFolder(inner);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(inner));
        using (PrivateFiles.Create(Path.Combine(inner, "x")))
        {
        }

        Assert.False(PrivateFiles.IsOpenToOthers(Path.Combine(inner, "x")));
    }
}
