using System.Globalization;
using System.Text.Json;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Tests.Commands;

public sealed class PruneTests
{
    private const string Script = """
        prices: { input: 1, output: 5 }
        turns:
          - when: { turn: 1 }
            say: I look at the clock.
            call: { tool: clock, arguments: { n: 1 } }
          - when: { tool_result: clock }
            say: "It says: {{result}}"
        """;

    [Fact]
    public async Task Prune_WithoutApply_SaysWhatWouldGoAndChangesNothing()
    {
        using var folder = new AgentFolder();
        string run = await OldRunAsync(folder);
        (await folder.RunAsync("run", ".", "Hello again")).Is(ExitCodes.Ok);

        JsonElement would = await folder.JsonAsync("prune", "--older-than", "90d", "--archive", "gone");

        Assert.False(would.GetProperty("applied").GetBoolean());
        Assert.Equal((1, 1), (would.GetProperty("families").GetInt32(), would.GetProperty("runs").GetInt32()));
        Assert.True(would.GetProperty("events").GetInt32() > 3);
        Assert.True(would.GetProperty("bytes").GetInt32() > 500);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "gone")));
        Assert.Contains("Nothing was changed", (await folder.RunAsync("prune", "--older-than", "90d")).Output, StringComparison.Ordinal);
        (await folder.RunAsync("show", run)).Is(ExitCodes.Ok);
        Assert.Equal(0, (await folder.JsonAsync("prune", "--older-than", "90d", "--agent", "another")).GetProperty("runs").GetInt32());
        Assert.Equal(0, (await folder.JsonAsync("prune", "--older-than", "90d", "--tenant", "another")).GetProperty("runs").GetInt32());
    }

    [Fact]
    public async Task Prune_Apply_ArchivesAGenuineJournalAndDeletesTheRun()
    {
        using var folder = new AgentFolder();
        string run = await OldRunAsync(folder);
        (await folder.RunAsync("feedback", "last", "--score", "1")).Is(ExitCodes.Ok);
        (await folder.RunAsync("run", ".", "Hello again")).Is(ExitCodes.Ok);
        JsonElement would = await folder.JsonAsync("prune", "--older-than", "90d");

        JsonElement done = await folder.JsonAsync("prune", "--older-than", "90d", "--archive", "gone", "--apply");

        Assert.Equal(would.GetProperty("events").GetInt64(), done.GetProperty("events").GetInt64());
        ArchivedRun archived = Assert.Single(Archive.Read(Path.Combine(folder.Path, "gone")));
        Assert.Equal((run, done.GetProperty("events").GetInt64()), (archived.Run, archived.State.Sequence));
        Assert.Equal(RunStatus.Completed, archived.State.Status);
        Assert.Single(Directory.GetFiles(Path.Combine(folder.Path, "gone"), $"{run}.feedback.jsonl", SearchOption.AllDirectories));
        Assert.Single((await folder.JsonAsync("runs")).GetProperty("runs").EnumerateArray());
        (await folder.RunAsync("show", run)).Is(ExitCodes.Usage);
        (await folder.RunAsync("doctor", "--deep")).Is(ExitCodes.Ok);
        Assert.Contains("Nothing was deleted", (await folder.RunAsync("prune", "--older-than", "90d", "--apply")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prune_OriginOfAFork_ForkStillVerifiesAndReplays()
    {
        using var folder = new AgentFolder(Script);
        (await folder.RunAsync("run", ".", "What time is it?")).Is(ExitCodes.Ok);
        string origin = await folder.LastAsync();
        (await folder.RunAsync("fork", origin, "--result", "1.0=noon", "--run")).Is(ExitCodes.Ok);
        await AgeAsync(folder, origin);

        (await folder.RunAsync("prune", "--older-than", "30d", "--apply")).Is(ExitCodes.Ok);

        CliResult shown = await folder.RunAsync("show", "last");
        shown.Is(ExitCodes.Ok);
        Assert.Contains($"forked from {origin}", shown.Output, StringComparison.Ordinal);
        (await folder.RunAsync("replay", "last", "--agent", ".")).Is(ExitCodes.Ok);
        (await folder.RunAsync("doctor", "--deep")).Is(ExitCodes.Ok);
    }

    [Fact]
    public async Task Prune_Blobs_AreArchivedAndGoADayAfterTheirRuns()
    {
        using var folder = new AgentFolder();
        await OldRunAsync(folder);
        Assert.Equal(0, (await folder.JsonAsync("prune", "--older-than", "90d", "--blobs")).GetProperty("blobs").GetProperty("waiting").GetInt32());

        JsonElement first = (await folder.JsonAsync("prune", "--older-than", "90d", "--blobs", "--archive", "gone", "--apply")).GetProperty("blobs");

        Assert.Equal((0, 1), (first.GetProperty("count").GetInt32(), first.GetProperty("waiting").GetInt32()));
        string definition = Assert.Single(Directory.GetFiles(Path.Combine(folder.Path, "gone", "blobs")));
        Assert.Equal(Path.GetFileName(definition), Storage.Blob.Of(await File.ReadAllBytesAsync(definition, TestContext.Current.CancellationToken)).Hash);
        await folder.EditAsync(string.Create(CultureInfo.InvariantCulture, $"UPDATE blob_unnamed SET since = since - {(long)TimeSpan.FromDays(2).TotalMilliseconds}"));
        JsonElement would = (await folder.JsonAsync("prune", "--older-than", "90d", "--blobs")).GetProperty("blobs");
        Assert.Equal((1, new FileInfo(definition).Length), (would.GetProperty("count").GetInt32(), would.GetProperty("bytes").GetInt64()));
        Assert.Contains("Deleted 1 blob (", (await folder.RunAsync("prune", "--older-than", "90d", "--blobs", "--apply")).Output, StringComparison.Ordinal);
        (await folder.RunAsync("run", ".", "Hello again")).Is(ExitCodes.Ok);
        (await folder.RunAsync("doctor", "--deep")).Is(ExitCodes.Ok);
    }

    [Fact]
    public async Task Prune_DamagedJournal_IsNotArchivedAndNotDeleted()
    {
        using var folder = new AgentFolder();
        string damaged = await OldRunAsync(folder);
        string sound = await OldRunAsync(folder);
        await folder.EditAsync($"UPDATE event SET payload = payload || ' ' WHERE seq = 3 AND run = (SELECT id FROM run WHERE uuid = x'{damaged}')");

        CliResult pruned = await folder.RunAsync("prune", "--older-than", "90d", "--archive", "gone", "--apply");

        pruned.Is(ExitCodes.Failed);
        Assert.Contains($"Run {damaged} was kept", pruned.Error, StringComparison.Ordinal);
        Assert.Equal(sound, Assert.Single(Archive.Read(Path.Combine(folder.Path, "gone"))).Run);
        Assert.Equal(damaged, await folder.LastAsync());
    }

    [Theory]
    [InlineData("90")]
    [InlineData("0d")]
    [InlineData("d")]
    [InlineData("-3d")]
    [InlineData("99999999d")]
    [InlineData("9999999999999d")]
    public async Task Prune_AgeThatIsNone_IsRefused(string age)
    {
        using var folder = new AgentFolder();
        CliResult result = await folder.RunAsync("prune", $"--older-than={age}");
        result.Is(ExitCodes.Usage);
        Assert.Contains($"'{age}' is not an age", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prune_OnPostgres_ArchivesAndDeletes()
    {
        await using PostgresFolder folder = await PostgresFolder.CreateAsync("turns: [{ say: Good morning. }]", _ => "");
        for (int i = 0; i < 3; i++)
            (await folder.RunAsync("run", ".", "Hello")).Is(ExitCodes.Ok);
        await folder.ExecuteAsync("UPDATE steward.run SET updated_at = updated_at - interval '100 days' WHERE id IN (SELECT id FROM steward.run ORDER BY id LIMIT 2)");

        Assert.Equal(2, (await folder.JsonAsync("prune", "--older-than", "12w")).GetProperty("runs").GetInt32());
        Assert.Equal(2, (await folder.JsonAsync("prune", "--older-than", "12w", "--archive", "gone", "--apply")).GetProperty("runs").GetInt32());

        Assert.Equal(2, Archive.Read(Path.Combine(folder.Path, "gone")).Count);
        Assert.Equal(1L, await folder.ScalarAsync<long>("SELECT count(*) FROM steward.run"));
        Assert.Contains("every chain, payload and blob holds", (await folder.RunAsync("doctor", "--deep")).Output, StringComparison.Ordinal);
    }

    private static async Task<string> OldRunAsync(AgentFolder folder)
    {
        (await folder.RunAsync("run", ".", "Hello")).Is(ExitCodes.Ok);
        string run = await folder.LastAsync();
        await AgeAsync(folder, run);
        return run;
    }

    private static Task AgeAsync(AgentFolder folder, string run) =>
        folder.EditAsync(string.Create(CultureInfo.InvariantCulture, $"UPDATE run SET updated_at = updated_at - {(long)TimeSpan.FromDays(100).TotalMilliseconds} WHERE uuid = x'{run}'"));
}
