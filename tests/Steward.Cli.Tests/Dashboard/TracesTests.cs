using System.Net;
using System.Text.Json;
using Steward.Cli.Dashboard;
using Steward.Cli.Tests.Commands;
using Steward.Storage;

namespace Steward.Cli.Tests.Dashboard;

/// <summary><c>steward traces</c> with the real dashboard, and what sends to it.</summary>
public sealed class TracesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Traces_ScriptedRun_IsSeenByWhoHasTheKeyAlone()
    {
        using DashboardRun dashboard = await DashboardRun.StartAsync();
        using var agent = new AgentFolder();

        foreach (string[] args in (string[][])[["run", ".", "Good morning?", "--traces"], ["work", ".", "--until-idle", "--traces"]])
        {
            using CliProcess sender = CliProcess.Start(agent.Path, DashboardRun.Variables, args);
            CliResult sent = await sender.EndAsync();
            sent.Is(ExitCodes.Ok);
            Assert.DoesNotContain("warn", sent.Error, StringComparison.OrdinalIgnoreCase);
        }

        string run = await agent.LastAsync();
        string traces = await AskAsync(dashboard, dashboard.Address.Key) ?? "";
        Assert.Contains("invoke_agent helper", traces, StringComparison.Ordinal);
        Assert.Contains("\"steward\"", traces, StringComparison.Ordinal); // The service's name, of the resource.
        Assert.DoesNotContain("unknown_service", traces, StringComparison.Ordinal);
        Assert.Contains(run, traces, StringComparison.Ordinal);
        Assert.Null(await AskAsync(dashboard, "another"));
        Assert.False(await (dashboard.Address with { Key = "" }).AnswersAsync(Token));
        Assert.False(await (dashboard.Address with { Key = "another" }).AnswersAsync(Token));
    }

    [Fact]
    public async Task Traces_Page_OpensWithTheTokenAlone()
    {
        using DashboardRun dashboard = await DashboardRun.StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
        var traces = new Uri(dashboard.Address.Page, "/traces");

        Assert.Equal(HttpStatusCode.Found, await StatusAsync(client, traces));
        await StatusAsync(client, new Uri(dashboard.Address.Page, "/login?t=another"));
        Assert.Equal(HttpStatusCode.Found, await StatusAsync(client, traces));
        await StatusAsync(client, dashboard.Address.Page);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, traces));
    }

    [Fact]
    public async Task Traces_RecordedRunAndChat_AreSentToo()
    {
        using DashboardRun dashboard = await DashboardRun.StartAsync();
        using var agent = new AgentFolder();
        (await agent.RunAsync("run", ".", "Good morning?")).Is(ExitCodes.Ok);
        string recorded = await agent.LastAsync();

        using CliProcess export = CliProcess.Start(agent.Path, DashboardRun.Variables, ["export", "last", "--traces"]);
        (await export.EndAsync()).Is(ExitCodes.Ok);
        using CliProcess chat = CliProcess.Begin(agent.Path, DashboardRun.Variables, ["chat", ".", "--traces"]);
        await chat.TypeAsync("Good morning?");
        await chat.SeesAsync("Good morning.");
        chat.CloseInput();
        (await chat.EndAsync()).Is(ExitCodes.Ok);

        string traces = await AskAsync(dashboard, dashboard.Address.Key) ?? "";
        Assert.Contains(recorded, traces, StringComparison.Ordinal);
        Assert.Contains(await agent.LastAsync(), traces, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Traces_Terminated_EndsTheDashboard()
    {
        using DashboardRun dashboard = await DashboardRun.StartAsync();
        Assert.False(PrivateFiles.IsOpenToOthers(DashboardRun.Cache.RunningFile));
        Assert.False(PrivateFiles.IsOpenToOthers(DashboardRun.Cache.Folder));
        Assert.False(PrivateFiles.IsOpenToOthers(DashboardRun.Cache.VersionFolder));
        using CliProcess second = CliProcess.Start(Path.GetTempPath(), DashboardRun.Variables, ["traces"]);
        CliResult refused = await second.EndAsync();
        refused.Is(ExitCodes.Usage);
        Assert.Contains($"runs already: {dashboard.Address.Page}", refused.Error, StringComparison.Ordinal);

        dashboard.Process.Signal(CliProcess.Terminate);

        (await dashboard.Process.EndAsync()).Is(ExitCodes.Ok);
        await dashboard.IsGoneAsync();
        Assert.False(File.Exists(DashboardRun.Cache.RunningFile));
    }

    [Fact]
    public async Task Traces_Killed_LeavesNoDashboard()
    {
        using DashboardRun dashboard = await DashboardRun.StartAsync();

        await dashboard.Process.KillAsync();

        await dashboard.IsGoneAsync();
        using var agent = new AgentFolder();
        using CliProcess run = CliProcess.Start(agent.Path, DashboardRun.Variables, ["run", ".", "Good morning?", "--traces"]);
        CliResult refused = await run.EndAsync();
        refused.Is(ExitCodes.Usage);
        Assert.Contains("no longer answers. Start it again in another terminal: steward traces", refused.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(agent.Database) && await HasRunsAsync(agent));
    }

    /// <summary>What the dashboard has; null where it refuses.</summary>
    private static async Task<string?> AskAsync(DashboardRun dashboard, string key)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        client.DefaultRequestHeaders.Add("x-api-key", key);
        using HttpResponseMessage response = await client.GetAsync(new Uri(dashboard.Address.Page, "/api/telemetry/traces"), Token);
        if (response.StatusCode == HttpStatusCode.Unauthorized)
            return null;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync(Token);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, Uri page)
    {
        using HttpResponseMessage response = await client.GetAsync(page, Token);
        return response.StatusCode;
    }

    private static async Task<bool> HasRunsAsync(AgentFolder agent)
    {
        JsonElement runs = (await agent.JsonAsync("runs")).GetProperty("runs");
        return runs.GetArrayLength() > 0;
    }
}
