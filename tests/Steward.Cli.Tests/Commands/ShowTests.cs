using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

public sealed class ShowTests
{
    [Fact]
    public async Task Show_Follow_ShowsWhatHappensUntilTheRunHasEnded()
    {
        using var folder = new AgentFolder(AgentFolder.Slow);
        using CliProcess run = await folder.StartRunAsync("clock returned", "Hello");
        using CliProcess follow = folder.Start("show", "last", "--follow");
        using CliProcess json = folder.Start("show", "last", "--follow", "--json");
        await follow.SeesAsync("clock returned");

        (await run.EndAsync()).Is(ExitCodes.Ok);
        CliResult shown = await follow.EndAsync();
        shown.Is(ExitCodes.Ok);
        Assert.Contains("completed (answered)", shown.Output, StringComparison.Ordinal);
        CliResult lines = await json.EndAsync();
        lines.Is(ExitCodes.Ok);
        string?[] events = [.. lines.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonElement.Parse(l).GetProperty("event").GetString())];
        Assert.Equal(("run.started", "run.completed"), (events[0], events[^1]));
        Assert.Equal(events.Length, (await folder.JsonAsync("show", "last")).GetProperty("events").GetArrayLength());
    }

    [Fact]
    public async Task Show_FollowRunThatWaits_EndsThere()
    {
        using var folder = new AgentFolder(AgentFolder.VerySlow);
        using (CliProcess run = await folder.StartRunAsync("clock returned", "Hello"))
        {
            (await folder.RunAsync("kill", "on", "run:last")).Is(ExitCodes.Ok);
            (await run.EndAsync()).Is(ExitCodes.Parked);
        }

        CliResult shown = await folder.RunAsync("show", "last", "--follow");
        shown.Is(ExitCodes.Ok);
        Assert.Contains("clock returned", shown.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("completed", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_JournalEdited_SaysWhyTheRunWaits()
    {
        using var folder = new AgentFolder(AgentFolder.Slow);
        using (CliProcess run = await folder.StartRunAsync("clock returned", "Hello"))
        {
            run.Signal(CliProcess.Terminate);
            (await run.EndAsync()).Is(ExitCodes.Parked);
        }

        await folder.EditAsync("UPDATE event SET payload = replace(payload, 'direct_mode', 'planned_way') WHERE seq = 3");
        long entries = (await folder.JsonAsync("runs")).GetProperty("runs")[0].GetProperty("sequence").GetInt64();
        using CliProcess work = folder.Start("work", ".", "--lease", "2");
        await CliProcess.UntilAsync(() => work.Error.Contains("its journal is damaged", StringComparison.Ordinal));

        JsonElement row = (await folder.JsonAsync("runs")).GetProperty("runs")[0];
        Assert.Equal(("awaiting", "journal_damaged", entries), (row.GetProperty("status").GetString(), row.GetProperty("reason").GetString(), row.GetProperty("sequence").GetInt64()));
        CliResult doctor = await folder.RunAsync("doctor");
        doctor.Is(ExitCodes.Failed);
        Assert.Single(doctor.Output.Split('\n'), line => line.Contains(row.GetProperty("run").GetString()!, StringComparison.Ordinal));
        (await folder.RunAsync("cancel", "last", "--wait", "60")).Is(ExitCodes.Ok);
        row = (await folder.JsonAsync("runs")).GetProperty("runs")[0];
        Assert.Equal(("cancelled", entries), (row.GetProperty("status").GetString(), row.GetProperty("sequence").GetInt64()));
        CliResult shown = await folder.RunAsync("show", "last");
        shown.Is(ExitCodes.Failed);
        Assert.Contains("is not genuine at sequence 3", shown.Error, StringComparison.Ordinal);
        work.Signal(CliProcess.Terminate);
        (await work.EndAsync()).Is(ExitCodes.Ok);
    }
}
