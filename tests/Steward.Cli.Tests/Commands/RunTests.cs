using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

public sealed class RunTests
{
    [Fact]
    public async Task Run_Piped_SaysWhoSpeaksAndHowItEndedWithoutEscapes()
    {
        using var folder = new AgentFolder();
        CliResult result = await folder.RunAsync("run", ".", "Good morning?");

        result.Is(ExitCodes.Ok);
        Assert.Contains("no real model speaks", result.Output, StringComparison.Ordinal);
        Assert.Contains("Good morning.", result.Output, StringComparison.Ordinal);
        Assert.Contains("completed (answered)", result.Output, StringComparison.Ordinal);
        Assert.Contains("of $1", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Json_EveryLineParsesAndTheLastIsTheResult()
    {
        using var folder = new AgentFolder();
        CliResult result = await folder.RunAsync("run", ".", "Good morning?", "--json", "--user", "ana", "--budget-usd", "0.5");

        result.Is(ExitCodes.Ok);
        JsonElement[] lines = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonElement.Parse(l))];
        Assert.Equal("run", lines[0].GetProperty("type").GetString());
        Assert.All(lines[1..^1], l => Assert.Equal("event", l.GetProperty("type").GetString()));
        Assert.Equal("run.started", lines[1].GetProperty("event").GetString());
        Assert.Equal("ana", lines[1].GetProperty("data").GetProperty("user").GetString());
        JsonElement end = lines[^1];
        Assert.Equal("result", end.GetProperty("type").GetString());
        Assert.Equal("completed", end.GetProperty("status").GetString());
        Assert.Equal("Good morning.", end.GetProperty("output").GetString());
        Assert.Equal(0.5m, end.GetProperty("ceilings").GetProperty("usd").GetDecimal());
    }

    [Fact]
    public async Task Run_SameKey_IsTheSameRun()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("run", ".", "Hello", "--key", "k1")).Is(ExitCodes.Ok);
        (await folder.RunAsync("run", ".", "Hello", "--key", "k1")).Is(ExitCodes.Ok);

        Assert.Equal(1, (await folder.JsonAsync("runs")).GetProperty("runs").GetArrayLength());
    }

    [Fact]
    public async Task Run_CeilingTooLow_FailsWithItsReason()
    {
        using var folder = new AgentFolder();
        CliResult result = await folder.RunAsync("run", ".", "Hello", "--budget-usd", "0.000001");

        result.Is(ExitCodes.Failed);
        Assert.Contains("failed (budget_exhausted)", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WrongFiles_NamesThemAndTheLine()
    {
        using var folder = new AgentFolder();
        CliResult missing = await folder.RunAsync("run", "nowhere", "Hello");
        missing.Is(ExitCodes.Usage);
        Assert.StartsWith("error: ", missing.Error, StringComparison.Ordinal);
        Assert.Contains("nowhere", missing.Error, StringComparison.Ordinal);

        folder.Write("agent.yaml", "name: helper\ninstructions: Help.\nscript: script.yaml\nbugdet: { usd: 1 }\n");
        CliResult wrong = await folder.RunAsync("run", ".", "Hello");
        wrong.Is(ExitCodes.Usage);
        Assert.Contains("agent.yaml(4,", wrong.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cli_WrongUsage_ExitsWithTwoAndARemedy()
    {
        using var folder = new AgentFolder();
        CliResult unknown = await folder.RunAsync("runn");
        unknown.Is(ExitCodes.Usage);
        Assert.Contains("error: ", unknown.Error, StringComparison.Ordinal);

        CliResult noStore = await folder.RunAsync("runs");
        noStore.Is(ExitCodes.Usage);
        Assert.Contains("--store", noStore.Error, StringComparison.Ordinal);

        CliResult help = await folder.RunAsync("--help");
        help.Is(ExitCodes.Ok);
        Assert.Contains("Exit codes", help.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_And_Show_FindRunsByPrefixAndLast()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("run", ".", "Hello secret")).Is(ExitCodes.Ok);
        string id = await folder.LastAsync();

        CliResult runs = await folder.RunAsync("runs", "--status", "completed");
        runs.Is(ExitCodes.Ok);
        Assert.Contains(id, runs.Output, StringComparison.Ordinal);

        CliResult show = await folder.RunAsync("show", id[..16]);
        show.Is(ExitCodes.Ok);
        Assert.Contains("planning → executing (direct_mode)", show.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", show.Output, StringComparison.Ordinal);
        Assert.Contains("secret", (await folder.RunAsync("show", "last", "--payloads")).Output, StringComparison.Ordinal);

        JsonElement json = await folder.JsonAsync("show", "last");
        Assert.Equal("completed", json.GetProperty("state").GetProperty("status").GetString());
        Assert.Equal(json.GetProperty("run").GetProperty("sequence").GetInt64(), json.GetProperty("events").GetArrayLength());
        (await folder.RunAsync("show", "ffffffff")).Is(ExitCodes.Usage);
    }
}
