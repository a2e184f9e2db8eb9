using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

public sealed class ResolveTests
{
    private const string Script = """
        turns:
          - when: { turn: 1 }
            say: I charge the card.
            call: { tool: charge, arguments: { amount: 5 } }
          - say: The card is charged.
        """;

    [Theory]
    [InlineData("--happened", ExitCodes.Ok, 1)]
    [InlineData("--did-not-happen", ExitCodes.Ok, 2)]
    [InlineData("--stop", ExitCodes.Failed, 1)]
    public async Task Resolve_UnsafeCallKilled_AsksAndObeys(string answer, int code, int requests)
    {
        using var server = new SlowServer();
        using var folder = new AgentFolder(Script, $$"""
            tools:
              - name: charge
                description: Charges the card.
                effect: unsafe
                parameters: { amount: { type: integer } }
                http:
                  method: POST
                  url: http://127.0.0.1:{{server.Port}}/charge
                  body: { amount: "{amount}" }
                  allow_private_networks: true
            """);
        using (CliProcess run = folder.Start("run", ".", "Charge five"))
        {
            await CliProcess.UntilAsync(() => server.Requests == 1);
            await run.KillAsync();
        }

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
}
