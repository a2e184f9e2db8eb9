using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

/// <summary>What a person sees is what runs: every argument by name, and nothing approved of which a part was hidden.</summary>
public sealed class ArgumentTests
{
    private const string Tool = """
        databases:
          main: { sqlite: data.db, seed: seed.sql }
        tools:
          - name: send
            description: Sends a letter.
            effect: unsafe
            parameters:
              to: { type: string }
              cc: { type: string, required: false }
              amount: { type: integer }
              body: { type: string }
            sql: { statement: "INSERT INTO sent (receiver, cc, amount, body, token) VALUES (@to, @cc, @amount, @body, @idempotency_key)", probe: "SELECT 1 FROM sent WHERE token = @idempotency_key" }
        approvals: [{ name: letters, tools: send }]
        """;

    private static readonly string s_body = $"Dragă Ștefan, 你好 {new string('x', 400)} the end";

    [Fact]
    public async Task Inbox_AllArguments_AreNamedInTheSchemasOrderAndTheirOwnScript()
    {
        using AgentFolder folder = await AskingAsync("""{ body: "2 < 3 & \"ok\"\nline", amount: 5, to: "Ștefan 你好 \u202Egro.live", cc: "p\u0430ypal.com" }""");
        CliResult inbox = await folder.RunAsync("inbox");
        inbox.Is(ExitCodes.Ok);

        string[] lines = Lines(inbox.Output);
        int to = Array.IndexOf(lines, """    to: "Ștefan 你好 \u202egro.live"  """.TrimEnd());
        Assert.True(to > 0, inbox.Output);
        Assert.Equal("  May 'send' be called with these arguments?", lines[to - 1]);
        Assert.Equal("""    cc: "p\u0430ypal.com" """.TrimEnd(), lines[to + 1]);
        Assert.Equal("    amount: 5", lines[to + 2]);
        Assert.Equal("""    body: "2 < 3 & \"ok\"\n""", lines[to + 3]);
        Assert.Equal("""      │ line" """.TrimEnd(), lines[to + 4]);
        Assert.DoesNotContain('\u202E', inbox.Output);
        string json = (await folder.RunAsync("inbox", "--json")).Output;
        Assert.Contains("\"to\": \"Ștefan 你好 \\u202egro.live\"", json, StringComparison.Ordinal);
        JsonElement first = JsonElement.Parse(json).GetProperty("questions")[0].GetProperty("argument_views")[0];
        Assert.Equal(("to", false), (first.GetProperty("name").GetString(), first.GetProperty("shortened").GetBoolean()));
        // Nothing is hidden, so nothing more than a word is needed.
        CliResult approved = await folder.RunAsync("approve", "last");
        approved.Is(ExitCodes.Ok);
        Assert.Contains("    amount: 5", approved.Output.Replace("  amount", "    amount", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Approve_OfAShortenedCall_NeedsTheBindingOrShowsTheWhole()
    {
        using AgentFolder folder = await AskingAsync($$"""{ to: Ana, amount: 5, body: "{{s_body}}" }""");
        string inbox = (await folder.RunAsync("inbox")).Output;
        Assert.Contains("… (+", inbox, StringComparison.Ordinal);
        Assert.DoesNotContain("the end", inbox, StringComparison.Ordinal);
        Assert.Contains("approve-1.0 --whole", inbox, StringComparison.Ordinal);

        foreach (string[] unseen in (string[][])[["approve", "last"], ["approve", "last", "--json"], ["resolve", "last", "--approve"]])
        {
            CliResult refused = await folder.RunAsync(unseen);
            refused.Is(ExitCodes.Usage);
            Assert.Contains("'approve-1.0' is longer than the inbox shows (body), so it was not answered.", refused.Error, StringComparison.Ordinal);
            Assert.Contains("--binding", refused.Error, StringComparison.Ordinal);
            Assert.Contains("--whole", refused.Error, StringComparison.Ordinal);
        }

        string whole = (await folder.RunAsync("inbox", "--whole")).Output;
        string binding = (await folder.JsonAsync("inbox")).GetProperty("questions")[0].GetProperty("binding").GetString()!;
        Assert.Contains(s_body, whole, StringComparison.Ordinal);
        Assert.Contains($"approve-1.0 --binding {binding}", whole, StringComparison.Ordinal);
        (await folder.RunAsync("approve", "last", "--binding", "0123")).Is(ExitCodes.Usage);
        (await folder.RunAsync("approve", "last", "--binding", binding)).Is(ExitCodes.Ok);
        (await folder.RunAsync("run", ".", "--resume", "last")).Is(ExitCodes.Ok);
    }

    [Theory]
    [InlineData("approve", "last", "--whole")]
    [InlineData("resolve", "last", "--approve", "--whole")]
    public async Task Approve_WithWhole_ShowsItFirst(params string[] command)
    {
        using AgentFolder folder = await AskingAsync($$"""{ to: Ana, amount: 5, body: "{{s_body}}" }""");
        CliResult approved = await folder.RunAsync(command);
        approved.Is(ExitCodes.Ok);
        Assert.InRange(approved.Output.IndexOf(s_body, StringComparison.Ordinal), 1, approved.Output.LastIndexOf("approve-1.0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Approve_WithAnEditOrADenial_NeedsNothing()
    {
        using AgentFolder folder = await AskingAsync($$"""{ to: Ana, amount: 5, body: "{{s_body}}" }""");
        CliResult edited = await folder.RunAsync("approve", "last", "--edit", """{"to":"Ana","amount":5,"body":"short"}""");
        edited.Is(ExitCodes.Ok);
        Assert.Contains("Approved approve-1.0: send (edited)", edited.Output, StringComparison.Ordinal);
        using AgentFolder other = await AskingAsync($$"""{ to: Ana, amount: 5, body: "{{s_body}}" }""");
        (await other.RunAsync("deny", "last")).Is(ExitCodes.Ok);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(120)]
    public async Task Inbox_InANarrowTerminal_NoValueLooksLikeAnArgument(int columns)
    {
        // As wide as to wrap where the words of another argument begin.
        string body = new string('x', columns - "    body: \"".Length) + "    amount: 7";
        using AgentFolder folder = await AskingAsync($$"""{ to: Ana, amount: 5, body: "{{body}}" }""");
        using CliProcess process = CliProcess.Start(
            folder.Path, new Dictionary<string, string> { ["COLUMNS"] = $"{columns}" }, ["inbox"]);
        CliResult inbox = await process.EndAsync();
        inbox.Is(ExitCodes.Ok);

        string[] rows = [.. Lines(inbox.Output).SelectMany(l => l.Chunk(columns).Select(c => new string(c)))];
        Assert.Equal("    amount: 5", Assert.Single(rows, r => r.StartsWith("    amount:", StringComparison.Ordinal)));
        Assert.All(Lines(inbox.Output).Where(l => l.StartsWith("    ", StringComparison.Ordinal) && !l.Contains("steward ", StringComparison.Ordinal)), l => Assert.True(l.Length <= columns, l));
    }

    [Fact]
    public async Task Show_WithPayloads_WritesArgumentsInTheirOwnScript()
    {
        using AgentFolder folder = await AskingAsync("""{ to: "Ștefan \u200B", amount: 5, body: "你好" }""");
        (await folder.RunAsync("approve", "last")).Is(ExitCodes.Ok);
        (await folder.RunAsync("run", ".", "--resume", "last")).Is(ExitCodes.Ok);
        string shown = (await folder.RunAsync("show", "last", "--payloads")).Output;
        Assert.Contains("""{"to": "Ștefan \u200b", "amount": 5, "body": "你好"}""", shown, StringComparison.Ordinal);
    }

    private static string[] Lines(string output) => output.Split('\n');

    private static async Task<AgentFolder> AskingAsync(string arguments)
    {
        var folder = new AgentFolder(
            $$"""
            prices: { input: 1, output: 5 }
            turns:
              - when: { turn: 1 }
                call: { tool: send, arguments: {{arguments}} }
              - say: "It says: {{"{{result}}"}}"
            """,
            Tool);
        File.Delete(Path.Combine(folder.Path, "data.db"));
        folder.Write("seed.sql", "CREATE TABLE sent (receiver TEXT, cc TEXT, amount INTEGER, body TEXT, token TEXT UNIQUE)");
        (await folder.RunAsync("run", ".", "Send")).Is(ExitCodes.Awaiting);
        return folder;
    }
}
