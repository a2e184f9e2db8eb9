using System.Text.Json;
using Steward.Client;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>The Nth call of the store fails, for every N, until a run ends without a failure.</summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(FaultMoment.Before, false, true)]
    [InlineData(FaultMoment.After, false, true)]
    [InlineData(FaultMoment.Before, true, true)]
    [InlineData(FaultMoment.After, true, true)]
    [InlineData(FaultMoment.Before, true, false)]
    [InlineData(FaultMoment.After, true, false)]
    public async Task Run_NthStoreCallFails_SameOutcomeAndEachEffectOnce(FaultMoment moment, bool lasting, bool probe)
    {
        int n = 1;
        for (; ; n++)
        {
            Dictionary<string, int> effects = [];
            Lab lab = NewLab(effects, probe);
            var faulty = new FaultyStore(lab.Store) { FailAt = n, Moment = moment, Lasting = lasting };
            RunId? run = null;
            try
            {
                run = await lab.StartAsync(new RunRequest("go") { Key = "again" }, faulty);
                await lab.WorkAsync("w1", faulty);
            }
            catch (StoreException)
            {
                // The worker is gone with its process; the run is what the store holds.
            }

            run ??= await lab.StartAsync(new RunRequest("go") { Key = "again" });
            await FinishAsync(lab, run.Value, effects);
            RunState state = Invariants.Check(await lab.JournalAsync(run.Value));
            Assert.Equal((RunStatus.Completed, "done"), (state.Status, ((RunCompleted)state.Outcome!).Output));
            Assert.Equal([1, 1, 1], effects.Values);
            if (faulty.Failed is null)
                break;
        }

        output.WriteLine($"{n - 1} store calls failed {moment.ToString().ToLowerInvariant()} they were done{(lasting ? ", and all after them" : "")}; every run ended with each effect made once.");
        Assert.True(n > 10, $"Only {n} store calls: the loop did not go through the run.");
    }

    private static async Task FinishAsync(Lab lab, RunId run, Dictionary<string, int> effects)
    {
        for (int round = 0; round < 20; round++)
        {
            RunState state = await lab.StateAsync(run);
            if (state.Status.IsTerminal())
                return;
            foreach (QuestionAsked question in state.Questions)
            {
                string key = state.FindCall(question.Turn, question.Index)!.Intent!.Key;
                Answer answer = effects.ContainsKey(key) ? Answer.Happened : Answer.DidNotHappen;
                await lab.Store.SignalAsync(new Signal($"s{round}", run, new AnswerSignal(question.Id, answer, "the test", "ok", null)), TestContext.Current.CancellationToken);
            }

            lab.Time.Advance(Lab.LeaseDuration);
            await lab.WorkAsync("w2");
        }

        Assert.Fail("The run is stuck.");
    }

    private static Lab NewLab(Dictionary<string, int> effects, bool probe)
    {
        ToolDefinition send = new("send", "Sends.", JsonElement.Parse("""{"type":"object"}"""), (context, _, _) =>
        {
            lock (effects)
                effects[context.IdempotencyKey] = effects.GetValueOrDefault(context.IdempotencyKey) + 1;
            return ValueTask.FromResult(new ToolOutput("ok"));
        })
        {
            Probe = !probe ? null : (context, _, _) => ValueTask.FromResult(effects.ContainsKey(context.IdempotencyKey) ? ProbeResult.Happened("ok") : ProbeResult.DidNotHappen),
        };
        return new Lab(Script(Calls_(("send", new { n = 1 }), ("send", new { n = 2 })), Calls_(("send", new { n = 3 })), Says("done")), Harness.Agent(send).Build());
    }
}
