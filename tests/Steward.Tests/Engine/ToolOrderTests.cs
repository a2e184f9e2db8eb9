using System.Collections.Concurrent;
using System.Text.Json;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>Unsafe calls of one message come one after the other, in their order.</summary>
public sealed class ToolOrderTests
{
    private readonly ConcurrentQueue<string> _log = new();
    private int _atWork;
    private int _most;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Unsafe_FiveCallsOfOneMessage_OneAfterTheOtherInTheirOrder()
    {
        RunId run = await RunAsync(Step(ToolEffect.Unsafe), 5);

        Assert.Equal(["0", "1", "2", "3", "4"], _log);
        Assert.Equal(1, _most);
        Assert.NotEqual(default, run);
    }

    [Theory]
    [InlineData(ToolEffect.Unsafe, true)]
    [InlineData(ToolEffect.Idempotent, false)]
    [InlineData(ToolEffect.ReadOnly, false)]
    public async Task Others_FiveCallsOfOneMessage_AtTheSameTime(ToolEffect effect, bool overlaps)
    {
        using var all = new CountdownEvent(5);
        ToolDefinition tool = new("step", "Waits for the others.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) =>
        {
            all.Signal();
            Assert.True(all.Wait(TimeSpan.FromSeconds(20), Token));
            return new(new ToolOutput("ok"));
        })
        { Effect = effect, Overlaps = overlaps };

        await RunAsync(tool, 5);
        Assert.Equal(0, all.CurrentCount);
    }

    [Fact]
    public async Task Unsafe_NextIntent_IsDurableOnlyAfterTheResultBeforeIt()
    {
        var lab = new Lab(Script(Calls_(("step", new { n = 0 }), ("step", new { n = 1 })), Says("done")), Harness.Agent(Step(ToolEffect.Unsafe)).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        string[] calls = [.. (await lab.JournalAsync(run)).Select(e => e.Event).Where(e => e is ToolStarted or ToolReturned).Select(e => e switch
        {
            ToolStarted s => $"started {s.Index}",
            ToolReturned r => $"returned {r.Index}",
            _ => "",
        })];
        Assert.Equal(["started 0", "returned 0", "started 1", "returned 1"], calls);
        Invariants.Check(await lab.JournalAsync(run));
    }

    [Fact]
    public async Task Unsafe_BehindOneThatNeedsApproval_WaitsForTheDecision()
    {
        ToolDefinition first = new("first", "Needs a word.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) => Logged("first")) { RequiresApproval = true };
        ToolDefinition second = new("second", "Comes after.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) => Logged("second"));
        ToolDefinition look = new("look", "Reads.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) => Logged("look")) { Effect = ToolEffect.ReadOnly };
        var lab = new Lab(
            Script(Calls_(("first", new { }), ("second", new { }), ("look", new { })), Says("done")), Harness.Agent(first, second, look).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(["look"], _log);
        Assert.Equal(RunStatus.Awaiting, (await lab.StateAsync(run)).Status);
        QuestionInfo question = Assert.Single(await lab.Store.QuestionsAsync(new QuestionQuery { Run = run }, Token));
        await lab.Store.DecideAsync(new Decision { Id = "d", Run = run, Question = question.Id, Answer = Answer.Approve, By = "ana" }, Token);
        await lab.WorkAllAsync();

        Assert.Equal(["look", "first", "second"], _log);
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Invariants.Check(await lab.JournalAsync(run));
    }

    [Fact]
    public async Task Unsafe_OutcomeOfTheFirstUnknown_TheSecondWaitsForAPerson()
    {
        ToolDefinition broken = new("broken", "Breaks.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) => throw new InvalidOperationException("who knows"));
        ToolDefinition second = new("second", "Comes after.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) => Logged("second"));
        var lab = new Lab(Script(Calls_(("broken", new { }), ("second", new { })), Says("done")), Harness.Agent(broken, second).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Empty(_log);
        QuestionInfo question = Assert.Single(await lab.Store.QuestionsAsync(new QuestionQuery { Run = run }, Token));
        await lab.Store.DecideAsync(new Decision { Id = "d", Run = run, Question = question.Id, Answer = Answer.Happened, By = "ana" }, Token);
        await lab.WorkAllAsync();

        Assert.Equal(["second"], _log);
    }

    private ValueTask<ToolOutput> Logged(string name)
    {
        _log.Enqueue(name);
        return new(new ToolOutput("ok"));
    }

    private ToolDefinition Step(ToolEffect effect) => new("step", "A step.", JsonElement.Parse("""{"type":"object"}"""), async (_, arguments, _) =>
    {
        InterlockedMax(Interlocked.Increment(ref _atWork));
        await Task.Yield();
        _log.Enqueue(arguments.GetProperty("n").GetRawText());
        Interlocked.Decrement(ref _atWork);
        return new ToolOutput("ok");
    })
    { Effect = effect };

    private void InterlockedMax(int value)
    {
        lock (_log)
            _most = Math.Max(_most, value);
    }

    private static async Task<RunId> RunAsync(ToolDefinition tool, int calls)
    {
        await using Harness harness = new(
            new InMemoryStewardStore(TimeProvider.System),
            Script(Calls_([.. Enumerable.Range(0, calls).Select(n => (tool.Name, (object)new { n }))]), Says("done")),
            Harness.Agent(tool).Build());
        RunResult result = await harness.RunAsync("go");
        Assert.Equal(RunStatus.Completed, result.Status);
        return result.Run;
    }
}
