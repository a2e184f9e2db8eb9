using System.Net.Http.Json;
using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

/// <summary>One contract at two doors: what a command writes as JSON and what the HTTP API answers about the same thing say the same.</summary>
public sealed class ContractTests
{
    private const string Script = """
        prices: { input: 1, output: 5 }
        turns:
          - when: { turn: 1 }
            call: { tool: pay, arguments: { amount: 500, to: "Zoë \"Z\" <z@example.com>" } }
          - say: Paid.
        """;

    private const string Pay = """
        databases:
          main: { sqlite: data.db, seed: seed.sql }
        tools:
          - name: pay
            description: Pays.
            effect: unsafe
            parameters: { amount: { type: integer, minimum: 1 }, to: { type: string } }
            sql: { statement: "INSERT INTO paid (amount, token) VALUES (@amount, @to)" }
        approvals: [{ name: payments, tools: pay, approvers: 2, expires_after: 7d }]
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Documents_OfTheSameRun_SayTheSameAtBothDoors()
    {
        using var folder = new AgentFolder(Script, Pay);
        File.Delete(Path.Combine(folder.Path, "data.db"));
        folder.Write("seed.sql", "CREATE TABLE paid (amount INTEGER, token TEXT);");
        using ServeProcess server = await ServeProcess.OfAsync(folder.Start("serve", ".", "--listen", "127.0.0.1:0", "--json"), key: null);
        string run = await server.StartAsync("Zahle fünfhundert");
        JsonElement one = await server.GetAsync($"/v1/runs/{run}?wait=30");
        await PostAsync(server, $"/v1/runs/{run}/feedback", new { score = 0.5, comment = "fünf" });
        string approval = one.GetProperty("questions")[0].GetProperty("id").GetString()!;
        await PostAsync(server, $"/v1/approvals/{approval}/decision", new { answer = "approve", note = "gesehen" });
        (await folder.RunAsync("kill", "on", "tenant:beta", "--reason", "später")).Is(ExitCodes.Ok);

        JsonElement atRun = Only(await folder.JsonAsync("runs"), "runs");
        Same(Only(await server.GetAsync("/v1/runs"), "runs"), atRun);
        Same(Only(await server.GetAsync("/v1/approvals"), "approvals"), Only(await folder.JsonAsync("inbox"), "questions"), "id");
        Same(Only(await server.GetAsync("/v1/kill-switches"), "switches"), Only(await folder.JsonAsync("kill", "status"), "switches"));
        JsonElement shown = await folder.JsonAsync("show", run, "--payloads");
        Same(Only(await server.GetAsync($"/v1/runs/{run}/feedback"), "feedback"), Only(shown, "feedback"));
        Same(Without(await server.GetAsync($"/v1/runs/{run}"), "questions"), shown.GetProperty("run"));
        JsonElement[] events = [.. (await server.GetAsync($"/v1/runs/{run}/events")).GetProperty("events").EnumerateArray()];
        Assert.Equal(events.Length, shown.GetProperty("events").GetArrayLength());
        foreach ((int i, JsonElement entry) in events.Index())
            Same(entry, Without(shown.GetProperty("events")[i], "text", "settled"));

        // Each door's habit with what there is none of.
        Assert.Equal(JsonValueKind.Null, atRun.GetProperty("session").ValueKind);
        Assert.False(one.TryGetProperty("session", out _));
        Assert.False(atRun.TryGetProperty("output", out _));
        JsonElement question = Only(await folder.JsonAsync("inbox"), "questions");
        Assert.Equal(approval, $"{run}.{question.GetProperty("id").GetString()}");
    }

    /// <summary>What the API says, the command says too, in the same form; what only the command says is that there is none.</summary>
    private static void Same(JsonElement http, JsonElement command, params string[] but)
    {
        foreach (JsonProperty property in http.EnumerateObject())
        {
            Assert.True(command.TryGetProperty(property.Name, out JsonElement value), $"The command lacks '{property.Name}': {command}");
            Assert.True(
                but.Contains(property.Name) || JsonElement.DeepEquals(property.Value, value),
                $"'{property.Name}' is {property.Value.GetRawText()} over HTTP and {value.GetRawText()} at the command.");
        }

        JsonProperty[] others = [.. command.EnumerateObject().Where(p => !http.TryGetProperty(p.Name, out _))];
        Assert.All(others, p => Assert.True(p.Value.ValueKind == JsonValueKind.Null, $"HTTP lacks '{p.Name}': {p.Value.GetRawText()}"));
    }

    private static JsonElement Only(JsonElement document, string list) => Assert.Single(document.GetProperty(list).EnumerateArray());

    private static JsonElement Without(JsonElement document, params string[] names) =>
        JsonSerializer.SerializeToElement(document.EnumerateObject().Where(p => !names.Contains(p.Name)).ToDictionary(p => p.Name, p => p.Value));

    private static async Task PostAsync(ServeProcess server, string path, object body)
    {
        using HttpResponseMessage response = await server.Client.PostAsJsonAsync(path, body, Token);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Token));
    }
}
