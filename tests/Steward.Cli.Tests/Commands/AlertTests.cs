namespace Steward.Cli.Tests.Commands;

public sealed class AlertTests
{
    private const string CallsOnce = """
        prices: { input: 1, output: 5 }
        turns:
          - when: { turn: 1 }
            call: { tool: clock, arguments: { n: 1 } }
          - say: Good morning.
        """;

    [Fact]
    public async Task Run_CrossesThreshold_PostsBeforeItEnds()
    {
        using var server = new SlowServer { Holds = false };
        using AgentFolder folder = Folder();
        using CliProcess process = Start(folder, $"http://127.0.0.1:{server.Port}/alerts");

        CliResult result = await process.EndAsync();

        result.Is(ExitCodes.Ok);
        Assert.Equal(1, server.Requests);
        Assert.DoesNotContain("not delivered", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_NobodyListens_CompletesAndSaysSo()
    {
        using AgentFolder folder = Folder();
        int port;
        using (var gone = new SlowServer())
            port = gone.Port;
        using CliProcess process = Start(folder, $"http://127.0.0.1:{port}/token-in-path");

        CliResult result = await process.EndAsync();

        result.Is(ExitCodes.Ok);
        Assert.Contains($"to the webhook at 127.0.0.1:{port}", result.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.DoesNotContain("token-in-path", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WebhookIsNoUrl_IsRefusedBeforeARunIsStarted()
    {
        using AgentFolder folder = Folder();
        using CliProcess process = Start(folder, "token-in-path");

        CliResult result = await process.EndAsync();

        result.Is(ExitCodes.Usage);
        Assert.Contains("STEWARD_ALERT_WEBHOOK is no URL to post to", result.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.DoesNotContain("token-in-path", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.Database));
    }

    /// <summary>An agent whose one tool call is all that its ceiling allows: it crosses the threshold.</summary>
    private static AgentFolder Folder()
    {
        var folder = new AgentFolder(CallsOnce);
        string yaml = File.ReadAllText(Path.Combine(folder.Path, "agent.yaml"));
        folder.Write("agent.yaml", yaml.Replace("budget: { usd: 1 }", "budget: { usd: 1, tool_calls: 1 }", StringComparison.Ordinal));
        return folder;
    }

    private static CliProcess Start(AgentFolder folder, string webhook) =>
        CliProcess.Start(folder.Path, new Dictionary<string, string> { ["STEWARD_ALERT_WEBHOOK"] = webhook }, ["run", ".", "What time is it?"]);
}
