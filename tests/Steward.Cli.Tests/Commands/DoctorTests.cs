using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

public sealed class DoctorTests
{
    [Fact]
    public async Task Doctor_SoundInstallation_IsOk()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("doctor", ".")).Is(ExitCodes.Ok);
        (await folder.RunAsync("run", ".", "Hello")).Is(ExitCodes.Ok);
        JsonElement doctor = await folder.JsonAsync("doctor", ".", "--deep");

        Assert.True(doctor.GetProperty("ok").GetBoolean());
        string?[] checks = [.. doctor.GetProperty("checks").EnumerateArray().Select(c => c.GetProperty("check").GetString())];
        foreach (string expected in (string[])["agent", "model", "price", "disk", "database", "journals", "clock", "switches"])
            Assert.Contains(expected, checks);
    }

    [Fact]
    public async Task Doctor_EditedEntry_NamesRunAndSequence()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("run", ".", "Hello")).Is(ExitCodes.Ok);
        string run = await folder.LastAsync();
        await folder.EditAsync("UPDATE event SET payload = replace(payload, 'direct_mode', 'planned_way') WHERE seq = 3");

        CliResult doctor = await folder.RunAsync("doctor");
        doctor.Is(ExitCodes.Failed);
        Assert.Contains($"{run}, sequence 3", doctor.Output, StringComparison.Ordinal);
        (await folder.RunAsync("show", "last")).Is(ExitCodes.Failed);
    }

    [Fact]
    public async Task Doctor_EditedRow_NamesRunAndWhatDiffers()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("run", ".", "Hello")).Is(ExitCodes.Ok);
        await folder.EditAsync("UPDATE run SET tenant = 'evil'");

        CliResult doctor = await folder.RunAsync("doctor");
        doctor.Is(ExitCodes.Failed);
        Assert.Contains("The tenant of run", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("'evil'", doctor.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_Anchor_IsWrittenComparedAndNoticesARemovedRun()
    {
        using var folder = new AgentFolder();
        string anchor = Path.Combine(folder.Path, "anchor");
        (await folder.RunAsync("run", ".", "Hello")).Is(ExitCodes.Ok);
        (await folder.RunAsync("doctor", "--anchor", anchor)).Is(ExitCodes.Usage);
        (await folder.RunAsync("doctor", "--write-anchor", anchor, "--anchor-key", "STEWARD_NO_SUCH_KEY")).Is(ExitCodes.Usage);
        (await folder.RunAsync("doctor", "--write-anchor", anchor)).Is(ExitCodes.Ok);
        (await folder.RunAsync("run", ".", "Hello again")).Is(ExitCodes.Ok);
        (await folder.RunAsync("doctor", "--anchor", anchor, "--write-anchor", anchor)).Is(ExitCodes.Ok);

        await folder.EditAsync("UPDATE run SET updated_at = 0 WHERE id = 1");
        (await folder.RunAsync("prune", "--older-than", "1h", "--apply")).Is(ExitCodes.Ok);
        CliResult doctor = await folder.RunAsync("doctor", "--anchor", anchor, "--write-anchor", anchor);
        doctor.Is(ExitCodes.Failed);
        Assert.Contains("1 of the anchor's runs", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("was not written", doctor.Output, StringComparison.Ordinal);
        (await folder.RunAsync("doctor", "--write-anchor", anchor)).Is(ExitCodes.Ok);
        (await folder.RunAsync("doctor", "--anchor", anchor)).Is(ExitCodes.Ok);
    }

    [Fact]
    public async Task Doctor_OlderCopy_NamesWhatIsLostUntilItIsAccepted()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("run", ".", "Hello")).Is(ExitCodes.Ok);
        string copy = folder.Database + ".copy";
        File.Copy(folder.Database, copy);
        (await folder.RunAsync("run", ".", "Hello again")).Is(ExitCodes.Ok);
        string lost = await folder.LastAsync();
        File.Move(copy, folder.Database, overwrite: true);

        CliResult doctor = await folder.RunAsync("doctor");
        doctor.Is(ExitCodes.Failed);
        Assert.Contains(lost, doctor.Output, StringComparison.Ordinal);
        (await folder.RunAsync("doctor", "--accept-loss")).Is(ExitCodes.Ok);
        (await folder.RunAsync("doctor")).Is(ExitCodes.Ok);
    }

    [Fact]
    public async Task Doctor_BrokenParts_FailWithARemedy()
    {
        using var folder = new AgentFolder(more: "models: { executor: [openai/gpt-unheard-of] }\nproviders: { openai: { base_url: 'http://127.0.0.1:9/v1/' } }");
        CliResult doctor = await folder.RunAsync("doctor", ".");
        doctor.Is(ExitCodes.Failed);
        Assert.Contains("cannot be reached", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("no known price", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("→ ", doctor.Output, StringComparison.Ordinal);

        Directory.CreateDirectory(Path.GetDirectoryName(folder.Database)!);
        File.WriteAllText(folder.Database, new string('x', 8_192));
        CliResult garbage = await folder.RunAsync("doctor", ".");
        garbage.Is(ExitCodes.Failed);
        Assert.Contains("database", garbage.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drill_Kill_PassesAndLeavesNothingBehind()
    {
        using var folder = new AgentFolder();
        CliResult drill = await folder.RunAsync("drill", "kill", "--runs", "6");
        drill.Is(ExitCodes.Ok);
        Assert.Contains("The kill switch holds.", drill.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await folder.JsonAsync("kill", "status")).GetProperty("switches").GetArrayLength());
        JsonElement runs = await folder.JsonAsync("runs", "--agent", "steward-drill");
        Assert.All(runs.GetProperty("runs").EnumerateArray(), r => Assert.Equal("completed", r.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task Drill_KillGlobal_StopsEveryAgent()
    {
        using var folder = new AgentFolder(AgentFolder.VerySlow);
        using CliProcess other = await folder.StartRunAsync("clock returned", "Hello");
        JsonElement drill = await folder.JsonAsync("drill", "kill", "--global", "--runs", "3");

        Assert.True(drill.GetProperty("passed").GetBoolean(), drill.ToString());
        Assert.Contains(drill.GetProperty("findings").EnumerateArray(), f => f.GetProperty("text").GetString()!.StartsWith("global, in ", StringComparison.Ordinal));
        (await other.EndAsync()).Is(ExitCodes.Parked);
        Assert.Equal(0, (await folder.JsonAsync("kill", "status")).GetProperty("switches").GetArrayLength());
    }

    [Fact]
    public async Task Init_WritesAnAgentThatRuns()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("init", "mine")).Is(ExitCodes.Ok);
        CliResult again = await folder.RunAsync("init", "mine");
        again.Is(ExitCodes.Usage);
        Assert.Contains("--force", again.Error, StringComparison.Ordinal);
        (await folder.RunAsync("run", "mine")).Is(ExitCodes.Ok);
    }
}
