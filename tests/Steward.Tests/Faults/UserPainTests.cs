using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.Models;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Faults;

/// <summary>What users of other frameworks report, where no other test of ours shows that it does not happen here; docs/user-pain.md lists all of them.</summary>
public sealed partial class UserPainTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Pain 1: resuming replays the whole turn, and its e-mail goes out again.</summary>
    [Fact]
    public async Task Pain1_TurnWithAnEffectBeforeTheFailure_IsNotReplayedOnResume()
    {
        var agent = new Recorded(("mail", ToolEffect.Unsafe), ("write", ToolEffect.Idempotent), ("look", ToolEffect.ReadOnly));
        RunId run = await agent.StartAsync(Calls_(("mail", new { n = 1 }), ("write", new { n = 1 })), Calls_(("look", new { n = 1 })), Says("done"));
        // The process dies after the first turn, in the middle of the second.
        await agent.DieAsync(FaultMoment.After, b => b.Entries.Any(e => e.Event is ToolStarted { Name: "look" }));
        await agent.FinishAsync(run);

        Assert.Equal(["look", "mail", "write"], agent.Made.Order());
    }

    /// <summary>Pain 3: of parallel calls of which some had run, those that had not are skipped.</summary>
    [Fact]
    public async Task Pain3_ParallelCallsWhenTheProcessDies_EachHasItsResultAndIsMadeOnce()
    {
        var agent = new Recorded(("a", ToolEffect.Unsafe), ("b", ToolEffect.Unsafe), ("c", ToolEffect.Unsafe)) { Limits = new AgentLimits { ParallelTools = 1 } };
        RunId run = await agent.StartAsync(Calls_(("a", new { n = 1 }), ("b", new { n = 2 }), ("c", new { n = 3 })), Says("done"));
        await agent.DieAsync(FaultMoment.Before, b => b.Entries.Any(e => e.Event is ToolReturned { Index: > 0 }));
        await agent.FinishAsync(run);

        Assert.Equal(["a", "b", "c"], agent.Made.Order());
        RunEvent[] events = [.. (await agent.Lab.JournalAsync(run)).Select(e => e.Event)];
        Assert.Equal([0, 1, 2], events.Select(e => e switch { ToolReturned r => r.Index, ToolResolved { Outcome: EffectOutcome.Happened } r => r.Index, _ => -1 }).Where(i => i >= 0).Order());
    }

    /// <summary>Pain 4: an engine's retry of a failed model call runs the tools before it again.</summary>
    [Fact]
    public async Task Pain4_ModelRefusesTheNextRequest_TheToolBeforeIsNotRunAgain()
    {
        var agent = new Recorded(("shell", ToolEffect.Unsafe));
        int refused = 0;
        agent.Use(new FunctionModel((messages, _) => messages.All(m => m.Role != ChatRole.Tool) ? Calls_(("shell", new { n = 1 }))
            : ++refused <= 2 ? throw new ModelException(ModelFailure.InvalidRequest, "HTTP 400")
            : Says("done")));
        RunId run = await agent.StartAsync();
        await agent.FinishAsync(run);

        Assert.Equal(["shell"], agent.Made);
        Assert.InRange(refused, 1, 3);
        Assert.NotNull((await agent.Lab.StateAsync(run)).Outcome);
    }

    /// <summary>Pain 5: each of several interrupts of one loop replays all that came before it.</summary>
    [Fact]
    public async Task Pain5_FiveApprovalsInOneRun_NothingBeforeIsReplayed()
    {
        const int Rounds = 5;
        var agent = new Recorded(("look", ToolEffect.ReadOnly), ("pay", ToolEffect.Unsafe)) { Approved = "pay" };
        ChatResponse[] turns = [.. Enumerable.Range(1, Rounds).SelectMany(n => (ChatResponse[])[Calls_(("look", new { n })), Calls_(("pay", new { n }))]), Says("done")];
        RunId run = await agent.StartAsync(turns);
        for (int round = 0; round < Rounds; round++)
        {
            await agent.WorkAsync();
            QuestionInfo question = Assert.Single(await agent.Lab.Store.QuestionsAsync(new QuestionQuery { Run = run }, Token));
            await agent.Lab.Store.DecideAsync(new Decision { Id = $"d{round}", Run = run, Question = question.Id, Answer = Answer.Approve, By = "ana" }, Token);
        }

        await agent.FinishAsync(run);
        Assert.Equal(Enumerable.Repeat((string[])["look", "pay"], Rounds).SelectMany(m => m), agent.Made);
        Assert.Equal(turns.Length, ((FunctionModel)agent.Lab.Model).Calls);
    }

    /// <summary>The list names tests that are there.</summary>
    [Fact]
    public void UserPain_EachItemOfTheList_NamesATestThatExists()
    {
        string root = Root();
        string tests = string.Concat(Directory.GetFiles(Path.Combine(root, "tests"), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        (string Item, string[] Names)[] rows = [.. File.ReadLines(Path.Combine(root, "docs", "user-pain.md")).Select(l => Row().Match(l)).Where(m => m.Success)
            .Select(m => (m.Groups["item"].Value, Code().Matches(m.Groups["tests"].Value).Select(c => c.Groups[1].Value).ToArray()))];

        string[] wanted = [.. Enumerable.Range(1, 13).Concat([25, 26, 30, 33]).Select(n => $"{n}")];
        Assert.Equal(wanted, rows.Select(r => r.Item).Where(item => char.IsAsciiDigit(item[0])));
        Assert.True(rows.Length > wanted.Length);
        Assert.All(rows, r => Assert.NotEmpty(r.Names));
        Assert.All(rows.SelectMany(r => r.Names), name => Assert.Contains($" {name}(", tests, StringComparison.Ordinal));
    }

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ARCHITECTURE.md")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex(@"^\| (?<item>[^|]+) \|[^|]+\|(?<tests> `.+)\|$")]
    private static partial Regex Row();

    [GeneratedRegex("`([A-Za-z0-9_]+)`")]
    private static partial Regex Code();

    /// <summary>An agent that writes down which of its tools were really called.</summary>
    private sealed class Recorded(params (string Name, ToolEffect Effect)[] tools)
    {
        private readonly Lock _lock = new();
        private readonly HashSet<string> _keys = [];
        private readonly List<string> _made = [];
        private IChatClient? _model;
        private Lab? _lab;

        public AgentLimits Limits { get; init; } = new();

        public string? Approved { get; init; }

        public Lab Lab => _lab!;

        public IReadOnlyList<string> Made => _made;

        public void Use(IChatClient model) => _model = model;

        public Task<RunId> StartAsync(params ChatResponse[] turns)
        {
            _lab = new Lab(_model ?? Script(turns), Harness.Agent([.. tools.Select(Tool)]).WithLimits(Limits).Build());
            return _lab.StartAsync();
        }

        public async Task DieAsync(FaultMoment moment, Predicate<RunBatch> at)
        {
            await Assert.ThrowsAsync<StoreException>(() => Lab.WorkAsync("dying", DyingStore.Of(Lab.Store, moment, at)));
            Lab.Time.Advance(Lab.LeaseDuration);
        }

        public async Task WorkAsync()
        {
            while (await Lab.WorkAsync("next") is not null)
                Lab.Time.Advance(TimeSpan.FromSeconds(1));
        }

        public async Task FinishAsync(RunId run)
        {
            await WorkAsync();
            Invariants.Check(await Lab.JournalAsync(run));
        }

        private ToolDefinition Tool((string Name, ToolEffect Effect) tool) => new(tool.Name, "Tested.", JsonElement.Parse("""{"type":"object"}"""), (context, _, _) =>
        {
            lock (_lock)
            {
                _made.Add(tool.Name);
                _keys.Add(context.IdempotencyKey);
            }

            return ValueTask.FromResult(new ToolOutput($"{tool.Name} done"));
        })
        {
            Effect = tool.Effect,
            RequiresApproval = tool.Name == Approved,
            Probe = tool.Effect != ToolEffect.Unsafe ? null : (context, _, _) => ValueTask.FromResult(_keys.Contains(context.IdempotencyKey) ? ProbeResult.Happened($"{tool.Name} done") : ProbeResult.DidNotHappen),
        };
    }
}
