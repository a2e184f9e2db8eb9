using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

public sealed class TimeTravelTests
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
    public async Task Fork_AnotherResult_GoesOnAndDiffShowsIt()
    {
        using var folder = new AgentFolder(Script);
        (await folder.RunAsync("run", ".", "What time is it?")).Is(ExitCodes.Ok);
        string origin = await folder.LastAsync();

        CliResult forked = await folder.RunAsync("fork", origin, "--result", "1.0=noon", "--run");
        forked.Is(ExitCodes.Ok);
        Assert.Contains("It says: noon", forked.Output, StringComparison.Ordinal);

        JsonElement diff = await folder.JsonAsync("diff", origin, "last");
        Assert.Equal("result", diff.GetProperty("first").GetProperty("kind").GetString());
        Assert.Equal(origin, diff.GetProperty("right").GetProperty("origin").GetString());
        CliResult words = await folder.RunAsync("diff", origin, "last");
        Assert.Contains("clock: noon", words.Output, StringComparison.Ordinal);
        Assert.Contains($"forked from {origin}", (await folder.RunAsync("show", "last")).Output, StringComparison.Ordinal);

        CliResult parked = await folder.RunAsync("fork", origin, "--at", "1");
        parked.Is(ExitCodes.Ok);
        Assert.Contains("--resume", parked.Output, StringComparison.Ordinal);
        (await folder.RunAsync("fork", origin, "--result", "nonsense")).Is(ExitCodes.Usage);
        (await folder.RunAsync("fork", origin, "--at", "999")).Is(ExitCodes.Failed);
    }

    [Fact]
    public async Task Replay_OfTheSameAndOfAnotherPrompt()
    {
        using var folder = new AgentFolder(Script);
        (await folder.RunAsync("run", ".", "What time is it?")).Is(ExitCodes.Ok);
        CliResult same = await folder.RunAsync("replay", "last");
        same.Is(ExitCodes.Ok);
        Assert.Contains("No divergence", same.Output, StringComparison.Ordinal);

        string agent = File.ReadAllText(Path.Combine(folder.Path, "agent.yaml"));
        folder.Write("agent.yaml", agent.Replace("Help.", "Help better.", StringComparison.Ordinal));
        CliResult other = await folder.RunAsync("replay", "last");
        other.Is(ExitCodes.Failed);
        Assert.Contains("model.started", other.Output, StringComparison.Ordinal);
        JsonElement report = await folder.JsonAsync("replay", "last");
        Assert.Equal("other", report.GetProperty("definition").GetString());
    }

    [Fact]
    public async Task Migrate_DryRunThenForGood()
    {
        using var folder = new AgentFolder(AgentFolder.Slow);
        using (CliProcess run = await folder.StartRunAsync("clock", "Good morning?"))
        {
            run.Signal(CliProcess.Terminate);
            (await run.EndAsync()).Is(ExitCodes.Parked);
        }

        string agent = File.ReadAllText(Path.Combine(folder.Path, "agent.yaml")).Replace("version: 1", "version: 2", StringComparison.Ordinal);
        folder.Write("agent.yaml", agent.Replace("Help.", "Help better.", StringComparison.Ordinal));
        CliResult dry = await folder.RunAsync("migrate", "last", "--dry-run");
        dry.Is(ExitCodes.Ok);
        Assert.Contains("instructions:", dry.Output, StringComparison.Ordinal);
        Assert.Contains("nothing was changed yet", dry.Output, StringComparison.Ordinal);

        (await folder.RunAsync("migrate", "last", "--to", "2", "--note", "a better prompt")).Is(ExitCodes.Ok);
        await EndPatienceAsync(folder);
        CliResult worked = await folder.RunAsync("work", ".", "--until-idle");
        worked.Is(ExitCodes.Ok);
        JsonElement shown = await folder.JsonAsync("show", "last");
        Assert.Equal("completed", shown.GetProperty("state").GetProperty("status").GetString());
        Assert.Equal("2", shown.GetProperty("run").GetProperty("agent_version").GetString());
        (await folder.RunAsync("migrate", "last")).Is(ExitCodes.Failed);
    }

    [Theory]
    [InlineData("run", ".", "--resume", "last")]
    [InlineData("work", ".", "--until-idle")]
    public async Task Migrate_WaitingRun_GoesOnUnderTheNewVersion(params string[] command)
    {
        using var folder = new AgentFolder(AgentFolder.Slow);
        using (CliProcess run = await folder.StartRunAsync("clock", "Good morning?"))
        {
            run.Signal(CliProcess.Terminate);
            (await run.EndAsync()).Is(ExitCodes.Parked);
        }

        folder.Write("agent.yaml", File.ReadAllText(Path.Combine(folder.Path, "agent.yaml")).Replace("version: 1", "version: 2", StringComparison.Ordinal).Replace("Help.", "Help better.", StringComparison.Ordinal));
        CliResult refused = await folder.RunAsync("run", ".", "--resume", "last");
        refused.Is(ExitCodes.Usage);
        Assert.Contains("steward migrate", refused.Error, StringComparison.Ordinal);

        (await folder.RunAsync("migrate", "last")).Is(ExitCodes.Ok);
        await EndPatienceAsync(folder);
        (await folder.RunAsync(command)).Is(ExitCodes.Ok);
        Assert.Equal("2", (await folder.JsonAsync("show", "last")).GetProperty("run").GetProperty("agent_version").GetString());
    }

    /// <summary>As if the run had waited for a worker of its old version for longer than workers of another one leave it alone, which is 30 seconds.</summary>
    private static Task EndPatienceAsync(AgentFolder folder) => folder.EditAsync("UPDATE run SET claimable_at = 0");

    [Fact]
    public async Task Feedback_IsKeptListedAndShown()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("run", ".", "Good morning?")).Is(ExitCodes.Ok);
        (await folder.RunAsync("feedback", "last", "--score", "0.5", "--comment", "so so", "--turn", "1", "--by", "ana")).Is(ExitCodes.Ok);
        (await folder.RunAsync("feedback", "last", "--up")).Is(ExitCodes.Ok);
        (await folder.RunAsync("feedback", "last")).Is(ExitCodes.Usage);
        (await folder.RunAsync("feedback", "last", "--up", "--down")).Is(ExitCodes.Usage);
        (await folder.RunAsync("feedback", "last", "--score", "3")).Is(ExitCodes.Usage);

        JsonElement[] listed = [.. (await folder.JsonAsync("feedback", "list")).GetProperty("feedback").EnumerateArray()];
        Assert.Equal([1, 0.5], listed.Select(f => f.GetProperty("score").GetDouble()));
        Assert.Equal("ana", listed[1].GetProperty("by").GetString());
        Assert.Contains("explicit by ana, score 0.5, turn 1: so so", (await folder.RunAsync("show", "last")).Output, StringComparison.Ordinal);
    }
}
