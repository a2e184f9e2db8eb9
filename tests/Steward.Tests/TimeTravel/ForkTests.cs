using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Journal;
using Steward.Tests.Support;
using Steward.TimeTravel;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.TimeTravel;

public sealed class ForkTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fork_AfterAResult_GoesOnFromThereAndLeavesTheOriginAlone()
    {
        int looks = 0;
        Lab lab = Looking(() => $"seven {++looks}");
        RunId origin = await RunAsync(lab);
        List<JournalEntry> before = await lab.JournalAsync(origin);
        lab.Time.Advance(TimeSpan.FromDays(30));

        RunHandle fork = await lab.Client().ForkAsync(origin, new ForkRequest { Sequence = SequenceOf<ToolReturned>(before) }, Token);
        await lab.WorkAllAsync();

        List<JournalEntry> journal = await lab.JournalAsync(fork.Id);
        RunState state = Invariants.Check(journal);
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Equal(1, looks);
        Assert.Equal(origin, state.Started.Origin!.Run);
        Assert.Equal(1, state.Spent.ModelCalls);
        Assert.Equal(0, state.Spent.ToolCalls);
        Assert.True(state.Active(lab.Time.GetUtcNow()) < TimeSpan.FromMinutes(1));
        Assert.Equal(before.Select(e => e.Hash.ToArray()), (await lab.JournalAsync(origin)).Select(e => e.Hash.ToArray()));
        Assert.DoesNotContain(journal.Take((int)state.Started.Origin.Copied), e => e.Event is RunClaimed);
    }

    [Fact]
    public async Task Fork_OtherResult_IsWhatTheModelSees()
    {
        Lab lab = Looking(() => "seven");
        RunId origin = await RunAsync(lab);

        RunHandle fork = await lab.Client().ForkAsync(origin, new ForkRequest { Result = new ForkResult(1, 0, "eight") }, Token);
        await lab.WorkAllAsync();

        RunState state = Invariants.Check(await lab.JournalAsync(fork.Id));
        Assert.Equal("I saw eight", ((RunCompleted)state.Outcome!).Output);
        Assert.Contains("eight", state.Started.Origin!.Change, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fork_OtherInput_BeginsAnewWithIt()
    {
        Lab lab = Looking(() => "seven");
        RunId origin = await RunAsync(lab);

        RunHandle fork = await lab.Client().ForkAsync(origin, new ForkRequest { Input = [new TextPart("look elsewhere")] }, Token);

        RunState state = await fork.GetStateAsync(Token);
        Assert.Equal(1, state.Sequence);
        Assert.Equal("look elsewhere", ((TextPart)state.Started.Input[0]).Text);
        await lab.WorkAllAsync();
        Assert.Equal(RunStatus.Completed, (await fork.GetStateAsync(Token)).Status);
    }

    [Fact]
    public async Task Fork_InTheMiddleOfACall_MakesItAnewUnderAKeyOfItsOwn()
    {
        List<string> keys = [];
        ToolDefinition pay = new("pay", "Tested.", System.Text.Json.JsonElement.Parse("{}"), (context, _, _) =>
        {
            keys.Add(context.IdempotencyKey);
            return ValueTask.FromResult(new ToolOutput("paid"));
        });
        var lab = new Lab(Script(Calls_(("pay", new { amount = 5 })), Says("done")), Harness.Agent(pay).Build());
        RunId origin = await RunAsync(lab);

        RunHandle fork = await lab.Client().ForkAsync(origin, new ForkRequest { Sequence = SequenceOf<ToolStarted>(await lab.JournalAsync(origin)) }, Token);
        Assert.DoesNotContain(await lab.JournalAsync(fork.Id), e => e.Event is ToolStarted);
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, Invariants.Check(await lab.JournalAsync(fork.Id)).Status);
        Assert.Equal(2, keys.Distinct().Count());
    }

    [Fact]
    public async Task Fork_OfAnApprovedCall_AsksAgain()
    {
        int calls = 0;
        ToolDefinition drop = new("drop", "Tested.", System.Text.Json.JsonElement.Parse("{}"), (_, _, _) => ValueTask.FromResult(new ToolOutput($"{++calls}"))) { RequiresApproval = true };
        var lab = new Lab(Script(Calls_(("drop", new { })), Says("done")), Harness.Agent(drop).Build());
        RunId origin = await lab.StartAsync();
        await lab.WorkAllAsync();
        await lab.Client().Get(origin).AnswerAsync("approve-1.0", Answer.Approve, "ana", cancellationToken: Token);
        await lab.WorkAllAsync();

        RunHandle fork = await lab.Client().ForkAsync(origin, new ForkRequest { Sequence = SequenceOf<QuestionAnswered>(await lab.JournalAsync(origin)) }, Token);
        await lab.WorkAllAsync();

        Assert.Equal(1, calls);
        Assert.Equal("approve-1.0", Assert.Single((await fork.GetStateAsync(Token)).Questions).Id);
    }

    [Fact]
    public async Task Fork_UnderAnotherVersion_GoesOnWithItsPrompt()
    {
        Lab lab = Looking(() => "seven");
        RunId origin = await RunAsync(lab);
        AgentDefinition next = new AgentBuilder("tester", "2").Instruct("You test better.").UseModel(Harness.Model).AddTools(lab.Agent.Tools[0]).Build();
        var after = new Lab(lab.Model, next, lab.Store, lab.Time);

        RunHandle fork = await after.Client().ForkAsync(origin, new ForkRequest { Sequence = SequenceOf<ToolReturned>(await lab.JournalAsync(origin)), AgentVersion = "2" }, Token);
        await after.WorkAllAsync();

        RunState state = Invariants.Check(await lab.JournalAsync(fork.Id));
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Equal(next.Hash, state.Started.DefinitionHash);
    }

    [Fact]
    public async Task Fork_WhatCannotBe_IsRefusedInWords()
    {
        Lab lab = Looking(() => "seven");
        RunId origin = await RunAsync(lab);
        IStewardClient client = lab.Client();

        await RefusedAsync("no sequence 99", () => client.ForkAsync(origin, new ForkRequest { Sequence = 99 }, Token));
        await RefusedAsync("7.0", () => client.ForkAsync(origin, new ForkRequest { Result = new ForkResult(7, 0, "x") }, Token));
        await RefusedAsync("not loaded", () => client.ForkAsync(origin, new ForkRequest { AgentVersion = "9" }, Token));
        await RefusedAsync("There is no run", () => client.ForkAsync(RunId.New(lab.Time), new ForkRequest(), Token));
    }

    /// <summary>Every place of every golden journal: what is copied folds, rests, and holds nothing that was under way.</summary>
    [Theory]
    [MemberData(nameof(GoldenJournalTests.Journals), MemberType = typeof(GoldenJournalTests))]
    public async Task Fork_AtEverySequenceOfAGoldenJournal_Rests(string file)
    {
        (List<JournalEntry> journal, _) = GoldenJournalTests.Read(Path.Combine(GoldenJournalTests.Folder, file));
        var lab = new Lab(Script(Says("done")), Harness.Agent().Build());
        await lab.Store.StartAsync(new RunStart { Run = journal[0].Run, Entry = journal[0], Copied = journal[1..] }, Token);
        for (int sequence = 1; sequence <= journal.Count; sequence++)
        {
            RunHandle fork = await lab.Client().ForkAsync(journal[0].Run, new ForkRequest { Sequence = sequence }, Token);
            RunState state = Invariants.Check(await lab.JournalAsync(fork.Id));
            Assert.False(state.Status.IsTerminal());
            Assert.Null(state.Model);
            Assert.Null(state.GaveUp);
            Assert.Null(state.Cancel);
            Assert.Empty(state.Questions);
            Assert.Empty(state.Children);
            Assert.Equal(BudgetAmount.Zero, state.Spent + state.Reserved);
            Assert.All(state.Calls, c => Assert.True(c.Status is ToolCallStatus.Requested or ToolCallStatus.Done));
            Assert.Equal(state.Sequence, state.Started.Origin!.Copied);
        }
    }

    private static Lab Looking(Func<string> look)
    {
        var model = new FunctionModel((m, _) => m.LastOrDefault(x => x.Role == ChatRole.Tool) is { } result
            ? Says($"I saw {((FunctionResultContent)result.Contents[0]).Result}")
            : Calls_(("look", new { id = 7 })));
        return new Lab(model, Harness.Agent(Harness.Tool("look", _ => look())).Build());
    }

    private static async Task<RunId> RunAsync(Lab lab)
    {
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        return run;
    }

    private static long SequenceOf<T>(List<JournalEntry> journal)
        where T : RunEvent => journal.First(e => e.Event is T).Sequence;

    private static async Task RefusedAsync(string because, Func<Task> act) =>
        Assert.Contains(because, (await Assert.ThrowsAnyAsync<StewardException>(act)).Message, StringComparison.Ordinal);
}
