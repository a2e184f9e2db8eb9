using System.Text.Json;
using Steward.Tests.Shared;

namespace Steward.Cli.Tests.Commands;

/// <summary>Runs that are stopped from outside: parked, killed, cancelled, switched off, out of budget.</summary>
public sealed class StopTests
{
    [Theory]
    [InlineData(CliProcess.Interrupt)]
    [InlineData(CliProcess.Terminate)]
    public async Task Run_Signal_ParksAndResumeCompletes(int signal)
    {
        if (signal == CliProcess.Interrupt)
            Requirement.Interrupts();
        using var folder = new AgentFolder(AgentFolder.Slow);
        using CliProcess run = await folder.StartRunAsync("clock returned", "Hello");
        run.Signal(signal);
        CliResult parked = await run.EndAsync();
        parked.Is(ExitCodes.Parked);
        Assert.Contains("--resume", parked.Output, StringComparison.Ordinal);
        CliResult resumed = await folder.RunAsync("run", ".", "--resume", "last");
        resumed.Is(ExitCodes.Ok);
        Assert.Contains("goes on after", resumed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_SecondSignal_LeavesAtOnce()
    {
        using var folder = new AgentFolder(AgentFolder.VerySlow);
        using CliProcess run = await folder.StartRunAsync("clock returned", "Hello");
        run.Signal(CliProcess.Terminate);
        await CliProcess.UntilAsync(() => run.Error.Contains("parking", StringComparison.Ordinal));
        run.Signal(CliProcess.Terminate);
        (await run.EndAsync()).Is(ExitCodes.Interrupted);
    }

    [Fact]
    public async Task Run_KilledThenWork_Completes()
    {
        using var folder = new AgentFolder(AgentFolder.VerySlow);
        using CliProcess run = await folder.StartRunAsync("clock returned", "Hello");
        await run.KillAsync();
        folder.Write("script.yaml", AgentFolder.NoLongerSlow);

        CliResult work = await folder.RunAsync("work", ".", "--until-idle");
        work.Is(ExitCodes.Ok);
        Assert.Contains("→ completed", work.Output, StringComparison.Ordinal);
        Assert.Equal("completed", (await folder.JsonAsync("show", "last")).GetProperty("state").GetProperty("status").GetString());
    }

    [Fact]
    public async Task Cancel_RunHeldElsewhere_EndsThere()
    {
        using var folder = new AgentFolder(AgentFolder.VerySlow);
        using CliProcess run = await folder.StartRunAsync("clock returned", "Hello");
        CliResult cancel = await folder.RunAsync("cancel", "last", "--reason", "not needed");

        cancel.Is(ExitCodes.Ok);
        CliResult ended = await run.EndAsync();
        ended.Is(ExitCodes.Cancelled);
        Assert.Contains("not needed", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancel_RunThatNobodyHolds_NeedsNoAgent()
    {
        using var folder = new AgentFolder(AgentFolder.Slow);
        using CliProcess run = await folder.StartRunAsync("clock returned", "Hello");
        run.Signal(CliProcess.Terminate);
        (await run.EndAsync()).Is(ExitCodes.Parked);
        File.Delete(Path.Combine(folder.Path, "agent.yaml"));

        (await folder.RunAsync("cancel", "last")).Is(ExitCodes.Ok);
        Assert.Equal("cancelled", (await folder.JsonAsync("show", "last")).GetProperty("state").GetProperty("status").GetString());
        (await folder.RunAsync("cancel", "last")).Is(ExitCodes.Ok);
    }

    [Fact]
    public async Task Kill_OnAndOffFromAnotherProcess_ParksAndGoesOn()
    {
        using var folder = new AgentFolder(AgentFolder.VerySlow);
        using CliProcess run = await folder.StartRunAsync("clock returned", "Hello");
        (await folder.RunAsync("kill", "on", "agent:helper", "--reason", "too keen", "--by", "ops")).Is(ExitCodes.Ok);
        CliResult parked = await run.EndAsync();

        parked.Is(ExitCodes.Parked);
        Assert.Contains("steward kill off agent:helper", parked.Output, StringComparison.Ordinal);
        JsonElement engaged = (await folder.JsonAsync("kill", "status")).GetProperty("switches")[0];
        Assert.Equal("ops", engaged.GetProperty("by").GetString());
        (await folder.RunAsync("kill", "off", "agent:helper")).Is(ExitCodes.Ok);
        folder.Write("script.yaml", AgentFolder.NoLongerSlow);
        (await folder.RunAsync("work", ".", "--until-idle")).Is(ExitCodes.Ok);
        Assert.Equal("completed", (await folder.JsonAsync("show", "last")).GetProperty("state").GetProperty("status").GetString());
        (await folder.RunAsync("kill", "on", "session:a/b")).Is(ExitCodes.Usage);
    }

    [Fact]
    public async Task Kill_OnWhatNobodyKnows_EngagesWithAWarning()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("run", ".", "Hello", "--tenant", "acme")).Is(ExitCodes.Ok);
        CliResult unknown = await folder.RunAsync("kill", "on", "agent:helpr");
        unknown.Is(ExitCodes.Ok);
        Assert.Contains("Engaged: nothing under agent:helpr starts any more.", unknown.Output, StringComparison.Ordinal);
        Assert.Contains("warning: No agent 'helpr' is known here", unknown.Error, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'helper'? There are: helper. To take it back: steward kill off agent:helpr", unknown.Error, StringComparison.Ordinal);
        JsonElement tenant = await folder.JsonAsync("kill", "on", "tenant:acne");
        Assert.Contains("Did you mean 'acme'?", Assert.Single(tenant.GetProperty("warnings").EnumerateArray()).GetString(), StringComparison.Ordinal);

        CliResult known = await folder.RunAsync("kill", "on", "agent:helper");
        known.Is(ExitCodes.Ok);
        Assert.DoesNotContain("warning", known.Error, StringComparison.Ordinal);
        CliResult off = await folder.RunAsync("kill", "off", "agent:nots");
        Assert.Contains("agent:nots was not engaged. Engaged: agent:helper, agent:helpr, tenant:acne.", off.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Budget_SetWhileRunning_HoldsFromThenOn()
    {
        using var folder = new AgentFolder("""
            prices: { input: 1, output: 5 }
            turns:
              - when: { turn: 1 }
                say: I look at the clock.
                call: { tool: clock, arguments: { n: 1 } }
              - when: { turn: 2 }
                delay: 8s
                say: I look again.
                call: { tool: clock, arguments: { n: 2 } }
              - say: Good morning.
            """);
        using CliProcess run = await folder.StartRunAsync("clock returned", "Hello", "--tenant", "acme");
        CliResult set = await folder.RunAsync("budget", "set", "tenant:acme", "--usd", "0.000001");
        set.Is(ExitCodes.Ok);
        CliResult ended = await run.EndAsync();

        ended.Is(ExitCodes.Failed);
        Assert.Contains("tenant:acme", ended.Output, StringComparison.Ordinal);
        JsonElement budget = (await folder.JsonAsync("budget", "show", "tenant:acme")).GetProperty("budgets")[0];
        Assert.Equal(0.000001m, budget.GetProperty("ceilings").GetProperty("usd").GetDecimal());
        Assert.True(budget.GetProperty("spent").GetProperty("usd").GetDecimal() > 0);
        (await folder.RunAsync("budget", "clear", "tenant:acme")).Is(ExitCodes.Ok);
        (await folder.RunAsync("budget", "set", "everything", "--usd", "1")).Is(ExitCodes.Usage);
    }

    [Fact]
    public async Task Limit_QueueFullThenRaised_RefusesAndStartsAgain()
    {
        using var folder = new AgentFolder();
        (await folder.RunAsync("run", ".", "Hello", "--tenant", "acme")).Is(ExitCodes.Ok);
        (await folder.RunAsync("limit", "set", "tenant:*", "--runs", "4")).Is(ExitCodes.Ok);
        (await folder.RunAsync("limit", "set", "tenant:acme", "--queue", "0")).Is(ExitCodes.Ok);
        CliResult refused = await folder.RunAsync("run", ".", "Hello", "--tenant", "acme");

        refused.Is(ExitCodes.Failed);
        Assert.Contains("The queue of 'tenant:acme' is full", refused.Error, StringComparison.Ordinal);
        Assert.Contains("steward limit set tenant:acme --queue N", refused.Error, StringComparison.Ordinal);
        JsonElement limits = (await folder.JsonAsync("limit", "list")).GetProperty("limits");
        Assert.Equal(["tenant:*", "tenant:acme"], limits.EnumerateArray().Select(l => l.GetProperty("scope").GetString()));
        Assert.Equal((0, 0), (limits[1].GetProperty("queue").GetInt32(), limits[1].GetProperty("used").GetProperty("queue").GetInt32()));
        (await folder.RunAsync("limit", "clear", "tenant:acme")).Is(ExitCodes.Ok);
        (await folder.RunAsync("run", ".", "Hello", "--tenant", "acme")).Is(ExitCodes.Ok);
    }

    [Theory]
    [InlineData("'agent:helper' cannot have a limit", "agent:helper", "--queue", "1")]
    [InlineData("'tool:clock' can only limit calls", "tool:clock", "--queue", "1")]
    [InlineData("'tenant:acme' cannot limit calls", "tenant:acme", "--calls", "1")]
    [InlineData("'tenant:acme' is below 0", "tenant:acme", "--runs", "-1")]
    [InlineData("Say what to limit", "global")]
    public async Task Limit_ThatNoScopeCanHave_IsRefusedWithTheRemedy(string says, params string[] limit)
    {
        using var folder = new AgentFolder();
        CliResult refused = await folder.RunAsync(["limit", "set", .. limit]);
        refused.Is(ExitCodes.Usage);
        Assert.Contains(says, refused.Error, StringComparison.Ordinal);
    }
}
