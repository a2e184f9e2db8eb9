using System.Collections.Concurrent;
using System.Text.Json;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;

namespace Steward.Postgres.Tests;

/// <summary>The whole runtime at work on many runs while something terrible happens. The models are scripted.</summary>
internal static class Survival
{
    public const int RunCount = 24;
    public const int StepCount = 12;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task SurviveAsync(PostgresStewardStore store, Effects effects, Func<Task> disaster)
    {
        await using Harness node = Node(store, effects);
        await SurviveAsync(node, store, effects, disaster);
    }

    public static async Task SurviveAsync(Harness harness, PostgresStewardStore store, Effects effects, Func<Task> disaster)
    {
        await harness.StartAsync();
        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, RunCount).Select(i => harness.Client.StartAsync("tester", new RunRequest($"go {i}"), Token)));
        await disaster();
        // Asked of the store now and then: whoever waits on a handle is told when the database is gone, and this test waits it out.
        await UntilAsync(async () =>
        {
            try
            {
                return (await store.FindAsync(new RunQuery { Statuses = [RunStatus.Completed] }, Token)).Count == RunCount;
            }
            catch (StoreException)
            {
                return false;
            }
        });

        Assert.Equal(RunCount * StepCount, effects.Count);
        foreach (RunHandle run in runs)
        {
            List<JournalEntry> journal = await TestRun.ReadAsync(store, run.Id);
            Assert.Equal(StepCount, journal.Count(e => e.Event is ToolReturned or ToolResolved { Outcome: EffectOutcome.Happened }));
            Assert.DoesNotContain(journal, e => e.Event is QuestionAsked);
        }
    }

    public static Harness Node(PostgresStewardStore store, Effects effects)
    {
        var model = new FunctionModel((messages, _) =>
        {
            int done = messages.Count(m => m.Role == Microsoft.Extensions.AI.ChatRole.Assistant);
            return done == StepCount ? FunctionModel.Says("done") : FunctionModel.Calls_(("act", new { n = done }));
        });
        return new Harness(store, model, Harness.Agent(effects.Tool).WithLimits(new Agents.AgentLimits { Iterations = StepCount + 5, Attempts = 50 }).Build(), o =>
        {
            o.MaxConcurrentRuns = RunCount;
            o.LeaseDuration = TimeSpan.FromSeconds(2);
            o.MaxClaimAttempts = 100;
        });
    }

    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (int i = 0; !await condition(); i++)
        {
            Assert.True(i < 4_000, "It never happened.");
            await Task.Delay(20, Token);
        }
    }
}

/// <summary>The world: it knows each key that acted, and fails the test when one acts twice.</summary>
internal sealed class Effects
{
    private readonly ConcurrentDictionary<string, int> _acted = new();
    private int _probes;

    public Effects() => Tool = new ToolDefinition("act", "Acts.", JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"""), async (context, _, _) =>
    {
        await Task.Delay(5, CancellationToken.None);
        Assert.Equal(1, _acted.AddOrUpdate(context.IdempotencyKey, 1, (_, times) => times + 1));
        return new ToolOutput("acted");
    })
    {
        Probe = (context, _, _) =>
        {
            Interlocked.Increment(ref _probes);
            return ValueTask.FromResult(_acted.ContainsKey(context.IdempotencyKey) ? ProbeResult.Happened("acted") : ProbeResult.DidNotHappen);
        },
    };

    public ToolDefinition Tool { get; }

    public int Count => _acted.Values.Sum();

    public int Probes => _probes;
}
