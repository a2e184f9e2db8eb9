using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

public sealed class InboxTests
{
    private const string Script = """
        prices: { input: 1, output: 5 }
        turns:
          - when: { turn: 1 }
            say: I pay.
            call: { tool: pay, arguments: { amount: 500 } }
          - say: "It says: {{result}}"
        """;

    private const string Pay = """
        databases:
          main: { sqlite: data.db, seed: seed.sql }
        tools:
          - name: pay
            description: Pays.
            effect: unsafe
            parameters: { amount: { type: integer, minimum: 1 } }
            sql: { statement: "INSERT INTO paid (amount, token) VALUES (@amount, @idempotency_key)", probe: "SELECT 1 FROM paid WHERE token = @idempotency_key" }
        """;

    [Fact]
    public async Task Approve_TheOnlyQuestion_RunGoesOn()
    {
        using AgentFolder folder = Paying();
        CliResult asked = await folder.RunAsync("run", ".", "Pay");
        asked.Is(ExitCodes.Awaiting);
        string run = await folder.LastAsync();
        Assert.Contains($"steward approve {run} approve-1.0", asked.Output, StringComparison.Ordinal);
        Assert.Contains($"steward deny {run} approve-1.0 --note REASON", asked.Output, StringComparison.Ordinal);

        CliResult inbox = await folder.RunAsync("inbox");
        inbox.Is(ExitCodes.Ok);
        foreach (string part in (string[])[run, "approve-1.0", "approval", "pay", "500", "anybody", "never", "steward approve"])
            Assert.Contains(part, inbox.Output, StringComparison.Ordinal);

        CliResult approved = await folder.RunAsync("approve", "last", "--by", "ana", "--note", "seen");
        approved.Is(ExitCodes.Ok);
        Assert.Contains("Approved approve-1.0", approved.Output, StringComparison.Ordinal);
        Assert.Contains("--resume", approved.Output, StringComparison.Ordinal);
        (await folder.RunAsync("run", ".", "--resume", "last")).Is(ExitCodes.Ok);
        Assert.Contains("ana answered approve-1.0: approve – seen", (await folder.RunAsync("show", "last")).Output, StringComparison.Ordinal);
        Assert.Contains("Nothing waits for a person", (await folder.RunAsync("inbox")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Approve_SecondPerson_IsToldWhoWasFirst()
    {
        using AgentFolder folder = Paying();
        (await folder.RunAsync("run", ".", "Pay")).Is(ExitCodes.Awaiting);
        (await folder.RunAsync("deny", "last", "--by", "ana", "--note", "a fake")).Is(ExitCodes.Ok);
        CliResult late = await folder.RunAsync("approve", "last", "approve-1.0", "--by", "ben");
        late.Is(ExitCodes.Usage);
        Assert.Contains("ana was first: 'approve-1.0' was answered with deny at", late.Error, StringComparison.Ordinal);
        Assert.Contains("(a fake)", late.Error, StringComparison.Ordinal);
        CliResult none = await folder.RunAsync("approve", "last", "--by", "ben");
        none.Is(ExitCodes.Usage);
        Assert.Contains("asks nothing", none.Error, StringComparison.Ordinal);
        CliResult resumed = await folder.RunAsync("run", ".", "--resume", "last");
        resumed.Is(ExitCodes.Ok);
        Assert.Contains("It says: A person refused this call: a fake", resumed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Approve_WithEdit_WhatWasWrittenRuns()
    {
        using AgentFolder folder = Paying();
        (await folder.RunAsync("run", ".", "Pay")).Is(ExitCodes.Awaiting);
        CliResult wrong = await folder.RunAsync("approve", "last", "--edit", "{\"amount\": 0}");
        wrong.Is(ExitCodes.Failed);
        Assert.Contains("The edited arguments of 'pay' are not valid", wrong.Error, StringComparison.Ordinal);
        CliResult garbled = await folder.RunAsync("approve", "last", "--edit", "{amount: 5");
        garbled.Is(ExitCodes.Usage);
        Assert.Contains("--edit is not JSON", garbled.Error, StringComparison.Ordinal);
        CliResult stale = await folder.RunAsync("approve", "last", "--binding", "0123");
        stale.Is(ExitCodes.Usage);
        Assert.Contains("has changed since", stale.Error, StringComparison.Ordinal);

        CliResult approved = await folder.RunAsync("approve", "last", "--edit", "{\"amount\": 5}");
        approved.Is(ExitCodes.Ok);
        CliResult resumed = await folder.RunAsync("run", ".", "--resume", "last");
        resumed.Is(ExitCodes.Ok);
        Assert.Contains("A person changed the arguments to", resumed.Output, StringComparison.Ordinal);
        Assert.Contains("approve with other arguments", (await folder.RunAsync("show", "last")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Approve_QuorumRolesAndReassignment_AreKept()
    {
        using AgentFolder folder = Paying("approvals: [{ name: large, tools: pay, when: { properties: { amount: { minimum: 100 } } }, approvers: 2, roles: [finance], expires_after: 7d }]");
        (await folder.RunAsync("run", ".", "Pay")).Is(ExitCodes.Awaiting);
        JsonElement question = (await folder.JsonAsync("inbox")).GetProperty("questions")[0];
        Assert.Equal(("large", 2, "pay", "finance", "deny"), (question.GetProperty("policy").GetString(), question.GetProperty("needed").GetInt32(), question.GetProperty("tool").GetString(), question.GetProperty("roles")[0].GetString(), question.GetProperty("default").GetString()));
        Assert.Contains("in 6d: deny", (await folder.RunAsync("inbox")).Output, StringComparison.Ordinal);

        CliResult refused = await folder.RunAsync("approve", "last", "--by", "ana");
        refused.Is(ExitCodes.Usage);
        Assert.Contains("'ana' may not decide 'approve-1.0': it is for finance, 0 of 2", refused.Error, StringComparison.Ordinal);
        JsonElement counted = await folder.JsonAsync("approve", "last", "--by", "ana", "--role", "support,finance");
        Assert.Equal(("counted", 1), (counted.GetProperty("status").GetString(), counted.GetProperty("missing").GetInt32()));
        Assert.Contains("has approved 'approve-1.0' already", (await folder.RunAsync("approve", "last", "--by", "ana", "--role", "finance")).Error, StringComparison.Ordinal);

        CliResult toOne = await folder.RunAsync("inbox", "reassign", "last", "--to", "ben", "--as", "finance");
        toOne.Is(ExitCodes.Usage);
        Assert.Contains("needs 2 different people", toOne.Error, StringComparison.Ordinal);
        (await folder.RunAsync("inbox", "reassign", "last")).Is(ExitCodes.Usage);
        CliResult notHers = await folder.RunAsync("inbox", "reassign", "last", "approve-1.0", "--role", "board", "--by", "eve");
        notHers.Is(ExitCodes.Usage);
        Assert.Contains("'eve' may not give 'approve-1.0' away: it is for finance, 1 of 2", notHers.Error, StringComparison.Ordinal);
        (await folder.RunAsync("inbox", "reassign", "last", "approve-1.0", "--role", "board", "--by", "ana", "--as", "finance")).Is(ExitCodes.Ok);
        (await folder.RunAsync("approve", "last", "--by", "ben", "--role", "finance")).Is(ExitCodes.Usage);
        (await folder.RunAsync("approve", "last", "--by", "ben", "--role", "board")).Is(ExitCodes.Ok);
        (await folder.RunAsync("run", ".", "--resume", "last")).Is(ExitCodes.Ok);
        string shown = (await folder.RunAsync("show", "last")).Output;
        Assert.Contains("ana gave approve-1.0 to anybody with board", shown, StringComparison.Ordinal);
        Assert.Contains("ana, ben answered approve-1.0: approve", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reassign_ToOnePerson_OnlyThatOneDecides()
    {
        using AgentFolder folder = Paying();
        (await folder.RunAsync("run", ".", "Pay")).Is(ExitCodes.Awaiting);
        (await folder.RunAsync("inbox", "reassign", "last", "--to", "ben", "--by", "ana")).Is(ExitCodes.Ok);
        (await folder.RunAsync("approve", "last", "--by", "ana")).Is(ExitCodes.Usage);
        (await folder.RunAsync("inbox", "reassign", "last", "--to", "ana", "--by", "ana")).Is(ExitCodes.Usage);
        (await folder.RunAsync("inbox", "reassign", "last", "--to", "cleo", "--by", "root", "--override")).Is(ExitCodes.Ok);
        (await folder.RunAsync("inbox", "reassign", "last", "--to", "ben", "--by", "cleo")).Is(ExitCodes.Ok);
        (await folder.RunAsync("approve", "last", "--by", "ben")).Is(ExitCodes.Ok);
        CliResult late = await folder.RunAsync("inbox", "reassign", "last", "approve-1.0", "--to", "cleo");
        late.Is(ExitCodes.Usage);
        Assert.Contains("ben was first", late.Error, StringComparison.Ordinal);
        (await folder.RunAsync("run", ".", "--resume", "last")).Is(ExitCodes.Ok);
        Assert.Contains("root gave approve-1.0 to cleo (as an administrator)", (await folder.RunAsync("show", "last")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ask_user", "{ question: Which colour?, schema: { enum: [red, blue] } }")]
    [InlineData("hand_off", "{ summary: Please paint it. }")]
    public async Task Answer_WhatTheAgentAsks_IsItsResult(string tool, string arguments)
    {
        using var folder = new AgentFolder(
            $$$"""
            turns:
              - when: { turn: 1 }
                call: { tool: {{{tool}}}, arguments: {{{arguments}}} }
              - say: "It says: {{result}}"
            """,
            more: "built_ins: [ask_user, hand_off, wait_until]");
        CliResult asked = await folder.RunAsync("run", ".", "Paint it");
        asked.Is(ExitCodes.Awaiting);
        Assert.Contains("steward answer", asked.Output, StringComparison.Ordinal);
        CliResult wrong = await folder.RunAsync("approve", "last");
        wrong.Is(ExitCodes.Usage);
        Assert.Contains("asks nothing that this answers", wrong.Error, StringComparison.Ordinal);
        if (tool == "ask_user")
            Assert.Contains("does not have the shape", (await folder.RunAsync("answer", "last", "green")).Error, StringComparison.Ordinal);
        (await folder.RunAsync("answer", "last", "red", "--by", "ana")).Is(ExitCodes.Ok);
        CliResult resumed = await folder.RunAsync("run", ".", "--resume", "last");
        resumed.Is(ExitCodes.Ok);
        Assert.Contains("It says: red", resumed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_QuestionNamedAndDenied_AreTaken()
    {
        using var folder = new AgentFolder(
            """
            turns:
              - when: { turn: 1 }
                call:
                  - { tool: ask_user, arguments: { question: Which colour? } }
                  - { tool: ask_user, arguments: { question: Which size? } }
              - say: "It says: {{result}}"
            """,
            more: "built_ins: [ask_user]");
        (await folder.RunAsync("run", ".", "Paint it")).Is(ExitCodes.Awaiting);
        CliResult several = await folder.RunAsync("answer", "last", "red");
        several.Is(ExitCodes.Usage);
        Assert.Contains("ask-1.0, ask-1.1", several.Error, StringComparison.Ordinal);
        (await folder.RunAsync("answer", "last", "ask-1.0", "red")).Is(ExitCodes.Ok);
        (await folder.RunAsync("deny", "last", "ask-1.1", "--note", "no idea")).Is(ExitCodes.Ok);
        (await folder.RunAsync("run", ".", "--resume", "last")).Is(ExitCodes.Ok);
    }

    [Fact]
    public async Task Run_QuestionOfASubAgent_IsShownAndAnsweredAndTheRunEnds()
    {
        using var folder = new AgentFolder(
            """
            name: boss
            turns:
              - when: { turn: 1 }
                call: { tool: cashier, arguments: { task: Pay five hundred. } }
              - say: "The cashier says: {{result}}"
            """,
            tools: null,
            more: "agents: [{ agent: cashier, description: Pays. }]");
        Directory.CreateDirectory(Path.Combine(folder.Path, "cashier"));
        folder.Write("cashier/script.yaml", "name: cashier\n" + Script);
        folder.Write("cashier/seed.sql", Seed);
        folder.Write("cashier/agent.yaml", $"name: cashier\nscript: script.yaml\n{Pay}\napprovals: [{{ name: payments, tools: pay }}]\n");

        CliResult asked = await folder.RunAsync("run", ".", "Pay");
        asked.Is(ExitCodes.Awaiting);
        Assert.Contains("May 'pay' be called", asked.Output, StringComparison.Ordinal);
        string child = (await folder.JsonAsync("inbox")).GetProperty("questions")[0].GetProperty("run").GetString()!;
        Assert.Contains($"steward approve {child} approve-1.0", asked.Output, StringComparison.Ordinal);
        (await folder.RunAsync("approve", child)).Is(ExitCodes.Ok);
        string parent = (await folder.JsonAsync("runs")).GetProperty("runs").EnumerateArray().Single(r => r.GetProperty("agent").GetString() == "helper").GetProperty("run").GetString()!;
        CliResult resumed = await folder.RunAsync("run", ".", "--resume", parent);
        resumed.Is(ExitCodes.Ok);
        Assert.Contains("The cashier says: It says:", resumed.Output, StringComparison.Ordinal);
    }

    private const string Seed = "CREATE TABLE paid (amount INTEGER, token TEXT UNIQUE)";

    private static AgentFolder Paying(string approvals = "approvals: [{ name: payments, tools: pay }]")
    {
        var folder = new AgentFolder(Script, Pay, approvals);
        File.Delete(Path.Combine(folder.Path, "data.db"));
        folder.Write("seed.sql", Seed);
        return folder;
    }
}
