using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

public sealed class RunTests
{
    [Fact]
    public async Task Run_Piped_SaysWhoSpeaksAndHowItEndedWithoutEscapes()
    {
        using var folder = new AgentFolder();
        CliResult result = await CliProcess.RunAsync(folder.Path, "run", ".", "Good morning?");

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
    public async Task Run_WithLabels_IsFoundByThemInTheList()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("run", ".", "Hello")).Is(ExitCodes.Ok);
        CliResult bare = await folder.RunAsync("runs");
        (await folder.RunAsync("run", ".", "Hello", "--label", "ticket=991", "--label", "team=blue")).Is(ExitCodes.Ok);

        CliResult all = await folder.RunAsync("runs");
        JsonElement found = (await folder.JsonAsync("runs", "--label", "team=blue", "--label", "ticket=991")).GetProperty("runs");

        Assert.DoesNotContain("LABELS", bare.Output, StringComparison.Ordinal);
        Assert.Contains("LABELS", all.Output, StringComparison.Ordinal);
        Assert.Contains("team=blue ticket=991", all.Output, StringComparison.Ordinal);
        Assert.Equal("991", Assert.Single(found.EnumerateArray()).GetProperty("labels").GetProperty("ticket").GetString());
        Assert.Equal(0, (await folder.JsonAsync("runs", "--label", "ticket=99")).GetProperty("runs").GetArrayLength());
        Assert.Equal(2, (await folder.JsonAsync("runs")).GetProperty("runs").GetArrayLength());
    }

    [Theory]
    [InlineData("--label: 'ticket' is not a label; write NAME=VALUE, for example ticket=991.", "runs", "--label", "ticket")]
    [InlineData("--label: The label name 'a b' is not usable", "runs", "--label", "a b=1")]
    [InlineData("--label: The label 'a' is there twice", "run", ".", "Hello", "--label", "a=1", "--label", "a=2")]
    [InlineData("leave out the request, --key, --tenant, --user, --session and --label", "run", ".", "--resume", "last", "--label", "a=1")]
    public async Task Label_InAWrongForm_IsAUsageErrorThatNamesIt(string says, params string[] args)
    {
        using var folder = new AgentFolder();
        CliResult result = await folder.RunAsync(args);

        result.Is(ExitCodes.Usage);
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
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
