using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

public sealed class ResolveTests
{
    private const string Script = """
        turns:
          - when: { turn: 1 }
            say: I charge the card.
            call: { tool: charge, arguments: { amount: 5 } }
          - say: "The card says: {{result}}"
        """;

    [Theory]
    [InlineData("--happened", ExitCodes.Ok, 1)]
    [InlineData("--did-not-happen", ExitCodes.Ok, 2)]
    [InlineData("--stop", ExitCodes.Failed, 1)]
    public async Task Resolve_UnsafeCallKilled_AsksAndObeys(string answer, int code, int requests)
    {
        using var server = new SlowServer();
        using AgentFolder folder = Charging(server);
        using (CliProcess run = folder.Start("run", ".", "Charge five"))
        {
            await CliProcess.UntilAsync(() => server.Requests == 1);
            await run.KillAsync();
        }

        // As if its lease had run out: StopTests waits for one that does.
        await folder.EditAsync("UPDATE run SET claimable_at = 0");
        server.Holds = false;
        CliResult asked = await folder.RunAsync("run", ".", "--resume", "last");
        asked.Is(ExitCodes.Awaiting);
        Assert.Contains("Did it happen?", asked.Output, StringComparison.Ordinal);
        Assert.Contains("--did-not-happen", asked.Output, StringComparison.Ordinal);
        Assert.Equal(1, server.Requests);
        (await folder.RunAsync("run", ".", "--resume", "last")).Is(ExitCodes.Awaiting);

        JsonElement open = await folder.JsonAsync("resolve", "last");
        string question = open.GetProperty("questions")[0].GetProperty("id").GetString()!;
        (await folder.RunAsync("resolve", "last", "--approve")).Is(ExitCodes.Usage);
        string[] result = answer == "--happened" ? ["--result", "charged"] : [];
        CliResult resolved = await folder.RunAsync(["resolve", "last", question, answer, .. result, "--note", "seen by hand"]);
        resolved.Is(ExitCodes.Ok);
        Assert.Contains("--resume", resolved.Output, StringComparison.Ordinal);
        (await folder.RunAsync("resolve", "last", question, "--stop")).Is(ExitCodes.Usage);

        (await folder.RunAsync("run", ".", "--resume", "last")).Is(code);
        Assert.Equal(requests, server.Requests);
    }

    [Theory]
    [InlineData("--approve", ExitCodes.Ok, 1, "The card says: charged")]
    [InlineData("--deny", ExitCodes.Ok, 0, "The card says: A person refused this call: not on a Sunday")]
    [InlineData("--stop", ExitCodes.Failed, 0, "not on a Sunday")]
    public async Task Resolve_CallThatNeedsApproval_IsMadeOnlyIfApproved(string answer, int code, int requests, string says)
    {
        using var server = new SlowServer { Holds = false };
        using AgentFolder folder = Charging(server, "approval: true");
        CliResult asked = await folder.RunAsync("run", ".", "Charge five");
        asked.Is(ExitCodes.Awaiting);
        Assert.Contains("--note REASON", asked.Output, StringComparison.Ordinal);
        Assert.Equal(0, server.Requests);

        JsonElement question = (await folder.JsonAsync("resolve", "last")).GetProperty("questions")[0];
        Assert.Equal("approval", question.GetProperty("kind").GetString());
        (await folder.RunAsync("resolve", "last", "--continue")).Is(ExitCodes.Usage);
        (await folder.RunAsync("resolve", "last", "--approve", "--deny")).Is(ExitCodes.Usage);
        JsonElement resolved = await folder.JsonAsync("resolve", "last", answer, "--note", "not on a Sunday", "--by", "ann");
        Assert.Equal(answer[2..], resolved.GetProperty("answer").GetString());
        Assert.Equal(0, server.Requests);

        CliResult resumed = await folder.RunAsync("run", ".", "--resume", "last");
        resumed.Is(code);
        Assert.Contains(says, resumed.Output, StringComparison.Ordinal);
        Assert.Equal(requests, server.Requests);
        Assert.Contains($"ann answered {question.GetProperty("id").GetString()}: {answer[2..]} – not on a Sunday", (await folder.RunAsync("show", "last")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--continue", ExitCodes.Ok, "completed")]
    [InlineData("--stop", ExitCodes.Failed, "failed")]
    public async Task Resolve_QuarantinedRun_IsTriedOnceMoreOrEnded(string answer, int code, string status)
    {
        using var folder = new AgentFolder(AgentFolder.Slow);
        using (CliProcess run = await folder.StartRunAsync("clock returned", "Hello"))
        {
            run.Signal(CliProcess.Terminate);
            (await run.EndAsync()).Is(ExitCodes.Parked);
        }

        // As if it had brought five workers down, which would take five leases to do.
        await folder.EditAsync("UPDATE run SET attempts = 5");
        (await folder.RunAsync("run", ".", "--resume", "last")).Is(ExitCodes.Awaiting);
        JsonElement question = (await folder.JsonAsync("resolve", "last")).GetProperty("questions")[0];
        Assert.Equal("quarantine", question.GetProperty("kind").GetString());
        Assert.Contains("6 times", question.GetProperty("text").GetString(), StringComparison.Ordinal);
        (await folder.RunAsync("resolve", "last", "--approve")).Is(ExitCodes.Usage);
        (await folder.RunAsync("resolve", "last", answer)).Is(ExitCodes.Ok);

        (await folder.RunAsync("run", ".", "--resume", "last")).Is(code);
        Assert.Equal(status, (await folder.JsonAsync("show", "last")).GetProperty("state").GetProperty("status").GetString());
    }

    private static AgentFolder Charging(SlowServer server, string more = "approval: false") => new(Script, $$"""
        tools:
          - name: charge
            description: Charges the card.
            effect: unsafe
            {{more}}
            parameters: { amount: { type: integer } }
            http:
              method: POST
              url: http://127.0.0.1:{{server.Port}}/charge
              body: { amount: "{amount}" }
              allow_private_networks: true
        """);
}
