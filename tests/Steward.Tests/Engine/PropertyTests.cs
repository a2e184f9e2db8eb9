using System.Text.Json;
using CsCheck;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.State;
using Steward.Tests.Shared;
using Steward.Tests.Support;
using Steward.Tools;

namespace Steward.Tests.Engine;

/// <summary>Properties over runs that are made up at random: any model, any tools, any moment.</summary>
public sealed class PropertyTests
{
    [Fact]
    public async Task Fold_AnyJournal_IsDeterministicAndHoldsTheInvariants() =>
        await Gen.Int[0, int.MaxValue].SampleAsync(async seed =>
        {
            var world = new RandomWorld(seed);
            RunId run = await world.RunToEndAsync();
            List<JournalEntry> journal = await world.Lab.JournalAsync(run);
            RunState once = Invariants.Check(journal);
            RunState again = journal.Aggregate(RunState.Empty(run), (state, entry) => state.Apply(ReadBack(entry)));
            Assert.Equal(Describe(once), Describe(again));
            Assert.True(once.Status.IsTerminal());
        }, iter: SuiteSize.Of(100, 300), threads: 1);

    [Fact]
    public async Task Resume_AnyPrefixOfAnyJournal_EndsWithTheInvariants() =>
        await Gen.Select(Gen.Int[0, int.MaxValue], Gen.Double[0, 1]).SampleAsync(async (seed, cut) =>
        {
            var first = new RandomWorld(seed);
            RunId run = await first.RunToEndAsync();
            List<JournalEntry> journal = await first.Lab.JournalAsync(run);
            int keep = 1 + (int)(cut * (journal.Count - 1));
            var second = new RandomWorld(seed);
            await CopyAsync(second.Lab, journal, keep);
            await second.RunToEndAsync(run);
            List<JournalEntry> resumed = await second.Lab.JournalAsync(run);
            RunState state = Invariants.Check(resumed);
            Assert.True(state.Status.IsTerminal());
            Assert.Equal(journal.Take(keep).Select(e => Convert.ToHexString(e.Hash.Span)), resumed.Take(keep).Select(e => Convert.ToHexString(e.Hash.Span)));
        }, iter: SuiteSize.Of(100, 300), threads: 1);

    [Fact]
    public async Task Work_LeaseStolenAndStoreFailingAtRandom_NeverRepeatsAnUnsafeEffect() =>
        await Gen.Int[0, int.MaxValue].SampleAsync(async seed =>
        {
            var world = new RandomWorld(seed);
            RunId run = await world.Lab.StartAsync();
            await world.DisturbAsync(run, new Random(seed));
            await world.RunToEndAsync(run);
            RunState state = Invariants.Check(await world.Lab.JournalAsync(run));
            Assert.True(state.Status.IsTerminal());
            Assert.All(world.Unsafe, effect => Assert.Equal(1, effect.Value));
        }, iter: SuiteSize.Of(100, 300), threads: 1);

    [Fact]
    public async Task Snapshot_OfAnyPrefix_FoldsOnToTheSameState() =>
        await Gen.Int[0, int.MaxValue].SampleAsync(async seed =>
        {
            var world = new RandomWorld(seed);
            RunId run = await world.RunToEndAsync();
            RunState state = RunState.Empty(run), shadow = state;
            foreach (JournalEntry entry in (await world.Lab.JournalAsync(run)).Select(ReadBack))
            {
                shadow = RunJournal.Fold(shadow, entry);
                state = RunJournal.Fold(state, entry);
                if (state.Status.IsTerminal())
                    break;
                Assert.Equal(SnapshotTests.Json(state), SnapshotTests.Json(shadow));
                shadow = Assert.IsType<RunState>(Snapshots.Read(run, Snapshots.Write(shadow)));
                Assert.Equal(SnapshotTests.Json(state), SnapshotTests.Json(shadow));
            }

            Assert.Equal(state.Spent, shadow.Spent);
            Assert.Equal(state.Conversation.Hash.ToArray(), shadow.Conversation.Hash.ToArray());
        }, iter: SuiteSize.Of(40, 100), threads: 1);

    private static JournalEntry ReadBack(JournalEntry entry) =>
        new(entry.Run, entry.Sequence, entry.Type, entry.Time, entry.Payload, entry.PayloadHash, entry.Hash);

    private static string Describe(RunState s) =>
        $"{s.Sequence} {s.Status} {s.Reason} {s.Turn} {s.Spent} {s.Reserved} {s.Mistakes} {s.Conversation.Messages.Count} {Convert.ToHexString(s.Conversation.Hash.Span)} {Convert.ToHexString(s.Head.Span)} {s.Completed.Count} {s.Conversation.KnownTokens} {s.Conversation.CountedMessages}";

    /// <summary>Puts the first entries of a journal into another store, as if its process had died right after the last of them.</summary>
    private static async Task CopyAsync(Lab lab, List<JournalEntry> journal, int keep)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await lab.Store.StartAsync(new RunStart { Run = journal[0].Run, Entry = journal[0] }, cancellationToken);
        long epochs = Math.Max(1, journal.Take(keep).Select(e => e.Event).OfType<RunClaimed>().Select(e => e.Epoch).DefaultIfEmpty().Max());
        Claim claim = null!;
        for (long epoch = 0; epoch < epochs; epoch++)
        {
            lab.Time.Advance(Lab.LeaseDuration);
            claim = (await lab.Store.ClaimOneAsync(new ClaimRequest { Worker = "copier", Duration = Lab.LeaseDuration }, cancellationToken))!;
        }

        RunState state = RunState.Empty(claim.Lease.Run).Apply(journal[0]);
        List<BudgetChange> changes = [];
        foreach (JournalEntry entry in journal.Take(keep).Skip(1))
        {
            BudgetLedger.Collect(state, entry.Event, entry.Time, changes);
            state = state.Apply(entry);
        }

        AppendResult result = await lab.Store.AppendAsync(
            new RunBatch { Lease = claim.Lease, ExpectedSequence = 1, Entries = [.. journal.Take(keep).Skip(1)], Budget = changes, Status = state.Status, Reason = state.Reason },
            cancellationToken);
        Assert.IsType<AppendResult.Committed>(result);
        lab.Time.Advance(Lab.LeaseDuration + Lab.LeaseDuration);
    }

    /// <summary>A scripted model that answers anything, tools that do anything, all of it from one seed and the conversation, so that it can be met again after a crash.</summary>
    private sealed class RandomWorld
    {
        private static readonly string[] s_names = ["look", "send", "post", "lookk", "nothing"];

        private readonly int _seed;

        public RandomWorld(int seed)
        {
            _seed = seed;
            JsonElement schema = JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer","maximum":50}},"required":["n"]}""");
            AgentBuilder agent = Harness.Agent(
                new ToolDefinition("look", "Tested.", schema, (_, a, _) => Act(a, null)) { Effect = ToolEffect.ReadOnly },
                new ToolDefinition("post", "Tested.", schema, (_, a, _) => Act(a, null)) { Effect = ToolEffect.Idempotent },
                new ToolDefinition("send", "Tested.", schema, (c, a, _) => Act(a, c.IdempotencyKey))
                {
                    CostUsd = 0.001m,
                    Probe = seed % 2 == 0 ? null : (c, _, _) => ValueTask.FromResult(Unsafe.ContainsKey(c.IdempotencyKey) ? ProbeResult.Happened("sent") : ProbeResult.DidNotHappen),
                });
            Lab = new Lab(
                new FunctionModel(Answer),
                agent
                    .WithLimits(new AgentLimits { Iterations = 12, Attempts = 100, BudgetWait = TimeSpan.Zero })
                    .WithBudget(seed % 3 == 0 ? new BudgetCeilings { Tokens = 4_000 + seed % 20_000, ToolCalls = 3 + seed % 9 } : BudgetCeilings.None)
                    .Build());
        }

        public Lab Lab { get; }

        public Dictionary<string, int> Unsafe { get; } = [];

        public async Task<RunId> RunToEndAsync(RunId? started = null)
        {
            RunId run = started ?? await Lab.StartAsync();
            for (int round = 0; round < 60; round++)
            {
                RunState state = await Lab.StateAsync(run);
                if (state.Status.IsTerminal())
                    return run;
                await AnswerQuestionsAsync(state, round);
                Lab.Time.Advance(Lab.LeaseDuration);
                await Lab.WorkAsync($"w{round}");
            }

            throw new InvalidOperationException($"Seed {_seed}: the run is stuck.");
        }

        /// <summary>Works on a run while, at random store calls, the store fails or another worker finds the lease expired.</summary>
        public async Task DisturbAsync(RunId run, Random random)
        {
            int depth = 0;
            FaultyStore? faulty = null;
            faulty = new FaultyStore(Lab.Store)
            {
                Hook = async (method, _) =>
                {
                    int dice = random.Next(100);
                    if (dice < 4 && method == nameof(IRunStore.AppendAsync))
                        throw new StoreException(StoreFailure.Io, "made up");
                    if (dice < 12 && depth < 2)
                    {
                        depth++;
                        Lab.Time.Advance(Lab.LeaseDuration);
                        await TryWorkAsync(faulty!, $"thief{depth}");
                        depth--;
                    }
                },
            };
            for (int i = 0; i < 8; i++)
            {
                await AnswerQuestionsAsync(await Lab.StateAsync(run), 1_000 + i);
                Lab.Time.Advance(Lab.LeaseDuration);
                await TryWorkAsync(faulty, $"d{i}");
            }
        }

        private async Task TryWorkAsync(IStewardStore store, string worker)
        {
            try
            {
                await Lab.WorkAsync(worker, store);
            }
            catch (StoreException)
            {
                // This worker is gone.
            }
        }

        private async Task AnswerQuestionsAsync(RunState state, int round)
        {
            foreach (QuestionAsked question in state.Questions)
            {
                string key = state.FindCall(question.Turn, question.Index)!.Intent!.Key;
                var body = new AnswerSignal(question.Id, Unsafe.ContainsKey(key) ? Runs_.Happened : Runs_.DidNotHappen, "the test", "sent", null);
                await Lab.Store.SignalAsync(new Signal($"{question.Id}-{round}", state.Run, body), TestContext.Current.CancellationToken);
            }
        }

        private ValueTask<ToolOutput> Act(JsonElement arguments, string? key)
        {
            int n = arguments.GetProperty("n").GetInt32();
            if (n % 11 == 5)
                throw new ToolException("not possible");
            if (key is not null)
                Unsafe[key] = Unsafe.GetValueOrDefault(key) + 1;
            if (n % 13 == 4)
                throw new InvalidOperationException("broke");
            return ValueTask.FromResult(new ToolOutput(n % 7 == 3 ? new string('x', 10_000) : $"result {n}"));
        }

        private ChatResponse Answer(IReadOnlyList<ChatMessage> messages, ChatOptions options)
        {
            var random = new Random(HashCode.Combine(_seed, messages.Count) & int.MaxValue);
            random = new Random(unchecked(_seed * 31 + messages.Count * 7_919));
            int dice = random.Next(100);
            if (dice < 8)
                return Finish(FunctionModel.Says(""), "stop");
            if (dice < 12)
                return Finish(FunctionModel.Says("cut"), "length");
            if (dice < 25 || messages.Count > 20 || options.ToolMode == ChatToolMode.None)
                return FunctionModel.Says($"answer {dice}");
            bool sameId = random.Next(10) == 0;
            (string, string, object)[] calls = [.. Enumerable.Range(0, 1 + random.Next(4)).Select(i =>
                (sameId ? "same" : $"id{i}", s_names[random.Next(s_names.Length)], random.Next(10) == 0 ? (object)new { n = "ten" } : new { n = random.Next(60) }))];
            return FunctionModel.CallsWithIds(calls);
        }

        private static ChatResponse Finish(ChatResponse response, string reason)
        {
            response.FinishReason = new ChatFinishReason(reason);
            return response;
        }
    }

    private static class Runs_
    {
        public const Answer Happened = Steward.Journal.Answer.Happened;
        public const Answer DidNotHappen = Steward.Journal.Answer.DidNotHappen;
    }
}
