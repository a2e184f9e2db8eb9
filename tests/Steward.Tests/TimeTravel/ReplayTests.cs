using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Journal;
using Steward.Tests.Support;
using Steward.TimeTravel;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.TimeTravel;

public sealed class ReplayTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(GoldenJournalTests.Journals), MemberType = typeof(GoldenJournalTests))]
    public async Task Replay_AGoldenJournal_ComesOutAsRecorded(string file)
    {
        (List<JournalEntry> journal, _) = GoldenJournalTests.Read(Path.Combine(GoldenJournalTests.Folder, file));
        ReplayReport report = await ReplayAsync(journal, Definition(Path.GetFileNameWithoutExtension(file)));

        if (file == "0.1/asked.jsonl")
        {
            // 0.1 made the other calls of a message before it asked for approval of one; since 0.2 people are asked first.
            Assert.Equal((6, "question.asked"), (report.Divergence!.Sequence, report.Divergence.Actual.Split(' ')[0]));
            return;
        }

        Assert.True(report.Divergence is null, $"{report.Divergence}");
        Assert.Equal(journal.Count, report.Matched);
    }

    [Fact]
    public async Task Replay_ACallOfAnAgentThatWasNotLoaded_IsKnownByTheCallWhateverItsWords()
    {
        AgentDefinition agent = Harness.Agent(BuiltInTools.Agent("ghost", "Is not there.")).Build();
        var lab = new Lab(Script(Calls_(("ghost", new { task = "boo" })), Says("alone")), agent);
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        List<JournalEntry> journal = await lab.JournalAsync(run);
        JournalEntry[] before = [.. journal.TakeWhile(e => e.Event is not ToolRejected)];
        ToolRejected other = (ToolRejected)journal[before.Length].Event with { Message = "Nobody is there." };
        JournalEntry reworded = JournalEntry.Create(run, before.Length + 1, before[^1].Hash, other, journal[before.Length].Time);

        Assert.Null((await ReplayAsync(journal, agent)).Divergence);
        ReplayReport report = await ReplayAsync([.. before, reworded], agent);

        Assert.Equal(reworded.Sequence, report.Divergence!.Sequence);
        Assert.StartsWith("tool.rejected", report.Divergence.Actual, StringComparison.Ordinal); // No child was started.
    }

    [Fact]
    public async Task Replay_TheRecordedDefinition_IsTheDefault()
    {
        (Lab lab, RunId run) = await LookedAsync();
        var replaying = new Lab(Untouchable.Model, Agent("You test.", Untouchable.Tool("look")), lab.Store, lab.Time);
        Assert.Equal(lab.Agent.Hash, replaying.Agent.Hash);

        ReplayReport report = await replaying.Client().ReplayAsync(run, cancellationToken: Token);

        Assert.True(report.Divergence is null, $"{report.Divergence}");
        Assert.Equal(report.Recorded, report.Matched);
    }

    [Fact]
    public async Task Replay_AnotherPrompt_DivergesAtTheFirstModelCall()
    {
        (Lab lab, RunId run) = await LookedAsync();

        ReplayReport report = await lab.Client().ReplayAsync(run, new ReplayRequest { Agent = Agent("You test otherwise.", Untouchable.Tool("look")) }, Token);

        Assert.Equal((await lab.JournalAsync(run)).First(e => e.Event is ModelStarted).Sequence, report.Divergence!.Sequence);
        Assert.StartsWith("model.started", report.Divergence.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_WithoutATool_DivergesWhereItWasCalled()
    {
        (Lab lab, RunId run) = await LookedAsync();

        ReplayReport report = await lab.Client().ReplayAsync(run, new ReplayRequest { Agent = Agent("You test.", Untouchable.Tool("see")) }, Token);

        Assert.Equal((await lab.JournalAsync(run)).First(e => e.Event is ToolStarted).Sequence, report.Divergence!.Sequence);
        Assert.StartsWith("tool.started", report.Divergence.Expected, StringComparison.Ordinal);
        Assert.StartsWith("tool.rejected", report.Divergence.Actual, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_AnotherModel_DivergesAtTheFirstModelCall()
    {
        (Lab lab, RunId run) = await LookedAsync();
        AgentDefinition other = new AgentBuilder("tester").Instruct("You test.").UseModel(Harness.Model with { Model = "n" }).AddTools(Untouchable.Tool("look")).Build();

        ReplayReport report = await lab.Client().ReplayAsync(run, new ReplayRequest { Agent = other }, Token);

        Assert.Equal((await lab.JournalAsync(run)).First(e => e.Event is ModelStarted).Sequence, report.Divergence!.Sequence);
    }

    [Fact]
    public async Task Replay_ADefinitionThatIsNotLoaded_SaysSo()
    {
        (Lab lab, RunId run) = await LookedAsync();
        var other = new Lab(Untouchable.Model, Agent("Other.", Untouchable.Tool("look")), lab.Store, lab.Time);

        StewardException refused = await Assert.ThrowsAsync<StewardException>(() => other.Client().ReplayAsync(run, cancellationToken: Token));
        Assert.Contains("not loaded", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A worker dies between intent and result, at each of its store calls; whatever journal that leaves replays.</summary>
    [Fact]
    public async Task Replay_ARunWhoseWorkersDied_ComesOutAsRecorded()
    {
        for (int n = 1; n < 40; n++)
        {
            var lab = new Lab(Model(), Agent("You test.", Harness.Tool("look", _ => "seven")));
            RunId run = await lab.StartAsync();
            var faulty = new Steward.Testing.Faults.FaultyStore(lab.Store) { FailAt = n, Lasting = true };
            try
            {
                await lab.WorkAsync("w1", faulty);
            }
            catch (StoreException)
            {
            }

            lab.Time.Advance(Lab.LeaseDuration);
            await lab.WorkAllAsync();
            ReplayReport report = await lab.Client().ReplayAsync(run, cancellationToken: Token);
            Assert.True(report.Divergence is null, $"{n}: {report.Divergence}");
            Assert.Equal(report.Recorded, report.Matched);
            if (faulty.Failed is null)
                return;
        }

        Assert.Fail("The run never ended without a fault.");
    }

    [Fact]
    public async Task Replay_ParallelCalls_KeepTheOrderInWhichTheyEnded()
    {
        TaskCompletionSource second = new();
        ToolDefinition slow = new("slow", "Tested.", JsonElement.Parse("{}"), async (_, _, _) =>
        {
            await second.Task;
            await Task.Delay(20, Token);
            return new ToolOutput("slow");
        }) { Effect = ToolEffect.ReadOnly };
        ToolDefinition quick = Harness.Tool("quick", _ =>
        {
            second.TrySetResult();
            return "quick";
        });
        var lab = new Lab(Script(Calls_(("slow", new { }), ("quick", new { })), Says("done")), Harness.Agent(slow, quick).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        Assert.Equal(1, (await lab.JournalAsync(run)).Select(e => e.Event).OfType<ToolReturned>().First().Index);

        ReplayReport report = await lab.Client().ReplayAsync(run, cancellationToken: Token);

        Assert.True(report.Divergence is null, $"{report.Divergence}");
    }

    [Fact]
    public async Task Replay_AFork_BeginsAfterWhatWasCopied()
    {
        (Lab lab, RunId run) = await LookedAsync();
        RunHandle fork = await lab.Client().ForkAsync(run, new ForkRequest { Result = new ForkResult(1, 0, "eight") }, Token);
        await lab.WorkAllAsync();

        ReplayReport report = await lab.Client().ReplayAsync(fork.Id, cancellationToken: Token);

        Assert.True(report.Divergence is null, $"{report.Divergence}");
    }

    [Fact]
    public async Task Replay_AKilledRun_ParksWhereItDid()
    {
        Lab? lab = null;
        ToolDefinition kills = new("kills", "Tested.", JsonElement.Parse("{}"), async (_, _, _) =>
        {
            await lab!.Store.EngageAsync(new KillSwitch("agent:tester", "ana", null, lab.Time.GetUtcNow()), Token);
            return new ToolOutput("ok");
        }) { Effect = ToolEffect.ReadOnly };
        lab = new Lab(Script(Calls_(("kills", new { })), Says("done")), Harness.Agent(kills).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        Assert.Equal("kill_switch", (await lab.StateAsync(run)).Reason);
        await lab.Store.ReleaseAsync("agent:tester", Token);
        await lab.WorkAllAsync();

        ReplayReport report = await lab.Client().ReplayAsync(run, cancellationToken: Token);

        Assert.True(report.Divergence is null, $"{report.Divergence}");
        Assert.Equal(report.Recorded, report.Matched);
    }

    private static FunctionModel Model() => Script(Calls_(("look", new { id = 7 })), Calls_(("look", new { id = 8 })), Says("done"));

    private static AgentDefinition Agent(string prompt, ToolDefinition tool) => new AgentBuilder("tester").Instruct(prompt).UseModel(Harness.Model).AddTools(tool).Build();

    private static async Task<(Lab Lab, RunId Run)> LookedAsync()
    {
        var lab = new Lab(Model(), Agent("You test.", Harness.Tool("look", _ => "seven")));
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        return (lab, run);
    }

    private static async Task<ReplayReport> ReplayAsync(List<JournalEntry> journal, AgentDefinition agent)
    {
        AgentDefinition other = new AgentBuilder("billing").UseModel(Harness.Model).Build();
        var lab = new Lab(Untouchable.Model, agent, others: other);
        await lab.Store.PutAsync(ToolOffer.Write([GoldenJournalTests.InformedTool]), Token);
        await lab.Store.StartAsync(new RunStart { Run = journal[0].Run, Entry = journal[0], Copied = journal[1..] }, Token);
        return await lab.Client().ReplayAsync(journal[0].Run, new ReplayRequest { Agent = agent }, Token);
    }

    /// <summary>The definition that a golden journal was written with; see <see cref="GoldenJournalTests"/>.</summary>
    private static AgentDefinition Definition(string journal) => journal switch
    {
        "completed" => Harness.Agent(Untouchable.Tool("look"), Untouchable.Tool("big"))
            .AddValidators(new DelegateValidator("twice", "passes at the second look", (_, _) => throw new InvalidOperationException("A replay asked a validator."))).Build(),
        "asked" => Harness.Agent(Unsafe("breaks"), Untouchable.Probed("probed"), Approved("approved")).Build(),
        "exhausted" or "alerted" => Harness.Agent(Untouchable.Tool("step")).Build(),
        "planned" => Harness.Agent(Untouchable.Tool("look"), Untouchable.Destructive("drop")).UsePlanning().Build(),
        "waited" => Harness.Agent(BuiltInTools.AskUser, BuiltInTools.WaitUntil).Build(),
        "handed_off" => Harness.Agent(BuiltInTools.HandOffTo("billing", "Money.")).Build(),
        "transactional" => Harness.Agent(new ToolDefinition("pay", "Tested.", JsonElement.Parse("{}"), Untouchable.Handler) { Effect = ToolEffect.Transactional }, Untouchable.Tool("look")).Build(),
        "overridden" => Harness.Agent(Approved("approved")).AddApprovals(new ApprovalPolicy { Name = "finance", Tools = ["approved"], Roles = ["finance"] }).Build(),
        "informed" => GoldenJournalTests.Informed,
        "attached" => Harness.Agent(Unsafe("shoot"), Unsafe("pay")).AddApprovals(GoldenJournalTests.FourEyes).Build(),
        "declined" => Harness.Agent(Untouchable.Tool("look")).Build(),
        "migrated" => Harness.Agent(Approved("approved")).Build(),
        _ => Harness.Agent().Build(),
    };

    private static ToolDefinition Unsafe(string name) => new(name, "Tested.", JsonElement.Parse("{}"), Untouchable.Handler);

    private static ToolDefinition Approved(string name) => new(name, "Tested.", JsonElement.Parse("{}"), Untouchable.Handler) { RequiresApproval = true };

    /// <summary>What must never be called in a replay.</summary>
    private static class Untouchable
    {
        public static IChatClient Model { get; } = new FunctionModel((_, _) => throw new InvalidOperationException("A replay called a model."));

        public static ToolHandler Handler { get; } = (_, _, _) => throw new InvalidOperationException("A replay called a tool.");

        public static ToolDefinition Tool(string name) => Harness.Tool(name, _ => throw new InvalidOperationException("A replay called a tool."));

        public static ToolDefinition Probed(string name) => new(name, "Tested.", JsonElement.Parse("{}"), Handler)
        {
            Probe = (_, _, _) => throw new InvalidOperationException("A replay asked a probe."),
        };

        public static ToolDefinition Destructive(string name) => new(name, "Tested.", JsonElement.Parse("{}"), Handler) { Destructive = true };
    }
}
