using Steward.Client;
using Steward.Journal;
using Steward.Tests.Tools;
using static Steward.Tests.Tools.LoopbackServer;

namespace Steward.Declarative.Tests;

/// <summary>An <c>http</c> tool as agent.yaml declares it, against a real server.</summary>
public sealed class HttpAgentTests
{
    private const string Script = """
        turns:
          - when: { turn: 1 }
            call: { tool: add_note, arguments: { id: a/b, note: 'Say "hi"' } }
          - say: "It says: {{result}}"
        """;

    [Fact]
    public async Task HttpTool_Declared_SendsWhatTheFileSays()
    {
        await using var server = new LoopbackServer(_ => Answer(201, """{"data":{"id":7,"secret":"no"}}"""));
        RunResult result = await RunAsync(server);

        Assert.Equal((RunStatus.Completed, "It says: 7"), (result.Status, result.Output));
        Request request = Assert.Single(server.Requests);
        Assert.Equal(("POST", "/v1/users/a%2Fb/notes?for=default"), (request.Method, request.Target));
        Assert.Equal("""{"note":"Say \"hi\"","tags":[1,"a"]}""", request.Body);
        Assert.Equal(("Bearer t0p-secret", "support"), (request.Headers["Authorization"], request.Headers["X-Team"]));
        Assert.NotEmpty(request.Headers["X-Key"]);
    }

    [Theory]
    [InlineData(404, "It says: No such user.")]
    [InlineData(422, "It says: ")]
    public async Task HttpTool_ServerRefuses_TheModelIsTold(int status, string says)
    {
        await using var server = new LoopbackServer(_ => Answer(status, """{"error":"no"}"""));
        RunResult result = await RunAsync(server);

        Assert.Equal(RunStatus.Completed, result.Status);
        Assert.StartsWith(says, result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("t0p-secret", result.Output, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task HttpTool_PrivateNetworksNotAllowed_AsksNobody()
    {
        await using var server = new LoopbackServer(_ => Answer(200, "{}"));
        RunResult result = await RunAsync(server, allowed: "false");

        Assert.StartsWith("It says: ", result.Output, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    private static async Task<RunResult> RunAsync(LoopbackServer server, string allowed = "true")
    {
        using var folder = new AgentFolder(("script.yaml", Script), ("agent.yaml", $$"""
            name: notes
            instructions: Take notes.
            script: script.yaml
            tools:
              - name: add_note
                description: Adds a note.
                parameters: { id: string, note: string }
                http:
                  method: POST
                  url: '${env:HOST}/v1/users/{id}/notes?for={tenant}'
                  headers: { Authorization: 'Bearer ${secret:KEY}', X-Team: support }
                  body: { note: '{note}', tags: [1, a] }
                  idempotency_header: X-Key
                  select: data.id
                  status_texts: { 404: No such user. }
                  allow_private_networks: {{allowed}}
            """));
        folder.Environment["HOST"] = server.Url;
        folder.Environment["KEY"] = "t0p-secret";
        await using SampleRuntime runtime = await SampleRuntime.StartAsync(folder.Load());
        return await runtime.RunAsync("Take a note.");
    }
}
