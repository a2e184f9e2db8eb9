using System.Text.Json;
using Steward.Tests.Shared;

namespace Steward.Cli.Tests.Commands;

/// <summary>The real program with a scripted model and lines that are typed into a pipe.</summary>
public sealed class ChatTests
{
    private const string Script = """
        prices: { input: 1, output: 5 }
        turns:
          - when: { user: pay }
            repeat: always
            say: I pay.
            call: { tool: pay, arguments: { amount: 5 } }
          - when: { tool_result: pay }
            repeat: always
            say: "It says: {{result}}"
          - when: { user: slow }
            repeat: always
            delay: 20s
            say: That took long.
          - when: { user: { match: '(?<all>.+)' } }
            repeat: always
            say: "You said {{user.all}}."
        """;

    private const string Tools = """
        databases:
          main: { sqlite: data.db }
        tools:
          - name: pay
            description: Pays.
            effect: read_only
            approval: true
            parameters: { amount: { type: integer } }
            sql: { statement: "SELECT @amount AS paid" }
        """;

    [Fact]
    public async Task Chat_Piped_IsOneSessionThatKnowsWhatWasSaid()
    {
        using AgentFolder folder = Folder();
        using CliProcess chat = CliProcess.Begin(folder.Path, "chat", ".", "--session", "s1", "--user", "ana");
        await chat.TypeAsync("hello");
        await chat.TypeAsync("again");
        await chat.TypeAsync("/cost");
        await chat.TypeAsync("/exit");
        CliResult result = await chat.EndAsync();

        result.Is(ExitCodes.Ok);
        Assert.Contains("You said hello", result.Output, StringComparison.Ordinal);
        Assert.Contains("You said again", result.Output, StringComparison.Ordinal);
        Assert.Contains("knows 1 earlier exchange", result.Output, StringComparison.Ordinal);
        Assert.Contains("in 2 runs", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", result.Output + result.Error, StringComparison.Ordinal);
        JsonElement[] runs = [.. (await folder.JsonAsync("runs")).GetProperty("runs").EnumerateArray()];
        Assert.All(runs, r => Assert.Equal("s1", r.GetProperty("session").GetString()));
    }

    [Fact]
    public async Task Chat_EndOfInput_Ends()
    {
        using AgentFolder folder = Folder();
        using CliProcess chat = CliProcess.Begin(folder.Path, "chat", "--json");
        await chat.TypeAsync("hello");
        chat.CloseInput();
        CliResult result = await chat.EndAsync();

        result.Is(ExitCodes.Ok);
        JsonElement[] lines = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonElement.Parse(l))];
        Assert.Equal("run", lines[0].GetProperty("type").GetString());
        Assert.Equal("completed", lines[^1].GetProperty("status").GetString());
    }

    [Theory]
    [InlineData("y", "It says")]
    [InlineData("n not on a Sunday", "not on a Sunday")]
    public async Task Chat_AnApproval_IsAskedInline(string answer, string says)
    {
        using AgentFolder folder = Folder();
        using CliProcess chat = CliProcess.Begin(folder.Path, "chat");
        await chat.TypeAsync("pay");
        await chat.SeesAsync("May 'pay' be called");
        await chat.TypeAsync("perhaps");
        await chat.SeesAsync("Please answer with y");
        await chat.TypeAsync(answer);
        await chat.TypeAsync("/exit");
        CliResult result = await chat.EndAsync();

        result.Is(ExitCodes.Ok);
        Assert.Contains(says, result.Output, StringComparison.Ordinal);
        Assert.Equal("completed", (await folder.JsonAsync("runs")).GetProperty("runs")[0].GetProperty("status").GetString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("finance")]
    public async Task Chat_AnApprovalOfARole_TakesWhoBearsItAndTellsOthersWhy(string? role)
    {
        using var folder = new AgentFolder(Script, $"{Tools}\napprovals: [{{ name: payments, tools: pay, roles: [finance] }}]");
        using CliProcess chat = CliProcess.Begin(folder.Path, ["chat", .. role is null ? Array.Empty<string>() : ["--role", role]]);
        await chat.TypeAsync("pay");
        await chat.SeesAsync("May 'pay' be called");
        await chat.TypeAsync("y");
        if (role is null)
            await chat.SeesAsync("it is for finance. --by and --role say who decides");
        await chat.TypeAsync("/exit");
        CliResult result = await chat.EndAsync();

        result.Is(role is null ? ExitCodes.Awaiting : ExitCodes.Ok);
        Assert.Contains(role is null ? "approve-1.0 --role finance" : "It says", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_LeftWithAnOpenQuestion_SaysHowToAnswerIt()
    {
        using AgentFolder folder = Folder();
        using CliProcess chat = CliProcess.Begin(folder.Path, "chat");
        await chat.TypeAsync("pay");
        chat.CloseInput();
        CliResult result = await chat.EndAsync();

        result.Is(ExitCodes.Awaiting);
        Assert.Contains("steward resolve", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_CtrlC_InterruptsTheTurnOnly()
    {
        Requirement.Interrupts();
        using AgentFolder folder = Folder();
        using CliProcess chat = CliProcess.Begin(folder.Path, "chat");
        await chat.TypeAsync("slow");
        await chat.SeesAsync("planning → executing");
        chat.Signal(CliProcess.Interrupt);
        await chat.SeesAsync("cancelled");
        await chat.TypeAsync("hello");
        await chat.SeesAsync("You said hello");
        await chat.TypeAsync("/exit");
        (await chat.EndAsync()).Is(ExitCodes.Ok);
    }

    [Theory]
    [InlineData("reject", "Not taken")]
    [InlineData("interrupt", "cancelled")]
    public async Task Chat_ALineDuringATurn_IsWhatThePolicySays(string policy, string says)
    {
        using AgentFolder folder = Folder();
        using CliProcess chat = CliProcess.Begin(folder.Path, "chat", "--policy", policy);
        await chat.TypeAsync("slow");
        await chat.SeesAsync("planning → executing");
        await chat.TypeAsync("hello");
        await chat.SeesAsync(says);
        if (policy == "reject")
            chat.Signal(CliProcess.Interrupt);
        else
            await chat.SeesAsync("You said hello");
        await chat.TypeAsync("/exit");
        CliResult result = await chat.EndAsync();

        result.Is(ExitCodes.Ok);
        Assert.Equal(policy == "reject" ? 1 : 2, (await folder.JsonAsync("runs")).GetProperty("runs").GetArrayLength());
    }

    private static AgentFolder Folder() => new(Script, Tools);
}
