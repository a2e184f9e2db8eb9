using System.Text.Json;
using Steward.AspNetCore;
using Steward.Cli.Rendering;
using Steward.Cli.Serving;

namespace Steward.Cli.Tests.Commands;

/// <summary>A file of keys while a server has it: read again when it changes.</summary>
public sealed class KeyRingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("steward-keys-").FullName;
    private readonly StringWriter _error = new();

    private string KeysFile => Path.Combine(_folder, "keys.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Current_KeyRevoked_IsGoneAtOnce()
    {
        KeyFile.Add(KeysFile, Key("ann"));
        KeyFile.Add(KeysFile, Key("ben") with { ExpiresAt = new DateTimeOffset(2027, 1, 31, 0, 0, 0, TimeSpan.Zero) });
        KeyRing ring = Open();
        Assert.Equal(["ann", "ben"], ring.Current().Select(k => k.Name));
        Assert.Equal(2027, ring.Current()[1].ExpiresAt!.Value.Year);

        KeyFile.Remove(KeysFile, "ann");
        Assert.Equal(["ben"], ring.Current().Select(k => k.Name));
        KeyFile.Remove(KeysFile, "ben");
        Assert.Empty(ring.Current());
        Assert.False(ring.IsOpen);
    }

    [Fact]
    public void Current_FileBroken_KeysStayAndItIsSaid()
    {
        KeyFile.Add(KeysFile, Key("ann"));
        KeyRing ring = Open();
        File.WriteAllText(KeysFile, "{ half");
        Assert.Equal(["ann"], ring.Current().Select(k => k.Name));
        Assert.Contains("stay as they were", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Current_FileGone_NobodyIsLetIn()
    {
        KeyFile.Add(KeysFile, Key("ann"));
        KeyRing ring = Open();
        File.Delete(KeysFile);
        Assert.Empty(ring.Current());
    }

    [Fact]
    public void Add_TheFile_IsItsOwnersAlone()
    {
        KeyFile.Add(KeysFile, Key("ann"));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeysFile));
    }

    [Fact]
    public async Task Key_CreatedListedRevoked()
    {
        using var folder = new AgentFolder();
        await ServeProcess.KeyAsync(folder, "ann", "acme", "finance");
        (await folder.RunAsync("key", "create", "ben", "--tenant", "*", "--file", "keys.json", "--expires", "90d")).Is(ExitCodes.Ok);
        (await folder.RunAsync("key", "create", "eve", "--tenant", "*", "--file", "keys.json", "--expires", "2001-01-01")).Is(ExitCodes.Usage);

        JsonElement[] keys = [.. (await folder.JsonAsync("key", "list", "--file", "keys.json")).GetProperty("keys").EnumerateArray()];
        Assert.Equal(["ann", "ben"], keys.Select(k => k.GetProperty("name").GetString()));
        Assert.Equal((JsonValueKind.Null, JsonValueKind.String), (keys[0].GetProperty("expires").ValueKind, keys[1].GetProperty("expires").ValueKind));
        Assert.False(keys[0].TryGetProperty("sha256", out _));
        (await folder.RunAsync("key", "revoke", "eve", "--file", "keys.json")).Is(ExitCodes.Usage);
        (await folder.RunAsync("key", "revoke", "ann", "--file", "keys.json")).Is(ExitCodes.Ok);
        Assert.Contains("ben", (await folder.RunAsync("key", "list", "--file", "keys.json")).Output, StringComparison.Ordinal);
    }

    private KeyRing Open() => KeyRing.Find(KeysFile, new Output(TextWriter.Null, _error, colour: false, json: false));

    private static StewardApiKey Key(string name) => new(name, "acme", [], StewardApiKey.Hash($"key-of-{name}"));
}
