using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.State;

namespace Steward.Tests.Support;

/// <summary>Checks of a journal that know nothing of the code that wrote it: invariants 1 to 7, 12 and 13 of the design.</summary>
internal static class Invariants
{
    public static RunState Check(IReadOnlyList<JournalEntry> journal)
    {
        RunState state = RunState.Empty(journal[0].Run);
        long epoch = 0;
        Dictionary<(int, int), ToolStarted> open = [];
        HashSet<(int, int)> cleared = [];
        Dictionary<(int, int), int> results = [];
        foreach (JournalEntry entry in journal)
        {
            Assert.Equal(state.Sequence + 1, entry.Sequence);
            Assert.False(state.Status.IsTerminal() && state.Outcome is not null, "A terminal run changed.");
            CheckEntry(state, entry, ref epoch, open, cleared, results);
            state = RunJournal.Fold(state, entry);
            CheckBudget(state);
        }

        CheckPairs(state);
        return state;
    }

    private static void CheckEntry(RunState before, JournalEntry entry, ref long epoch, Dictionary<(int, int), ToolStarted> open, HashSet<(int, int)> cleared, Dictionary<(int, int), int> results)
    {
        switch (entry.Event)
        {
            case RunClaimed e:
                Assert.True(e.Epoch > epoch, $"Epoch {e.Epoch} does not follow {epoch}.");
                epoch = e.Epoch;
                break;
            case ToolStarted e:
                if (open.TryGetValue((e.Turn, e.Index), out ToolStarted? earlier))
                {
                    Assert.Equal(earlier.Key, e.Key);
                    Assert.True(
                        e.Effect is ToolEffect.ReadOnly or ToolEffect.Idempotent || cleared.Remove((e.Turn, e.Index)),
                        $"The unsafe call {e.Turn}.{e.Index} was started again and nobody said that it may be.");
                }

                open[(e.Turn, e.Index)] = e;
                break;
            case ToolResolved { Outcome: EffectOutcome.DidNotHappen } e:
                cleared.Add((e.Turn, e.Index));
                break;
            case QuestionAnswered { Answer: Answer.DidNotHappen } e:
                QuestionAsked question = before.FindQuestion(e.Id)!;
                cleared.Add((question.Turn, question.Index));
                break;
            case ToolReturned e:
                Assert.True(open.ContainsKey((e.Turn, e.Index)), "A result without an intent.");
                Count(results, e.Turn, e.Index);
                break;
            case ToolFailed { Failure: not ToolFailure.OutcomeUnknown } e:
                Count(results, e.Turn, e.Index);
                break;
            case ToolRejected e:
                Count(results, e.Turn, e.Index);
                break;
            case ModelStarted:
                Assert.True(before.Calls.IsEmpty, "A model was called while a tool call had no result.");
                break;
            case RunCompleted e:
                Assert.All(before.Verdicts, v => Assert.Equal(Verdict.Passed, v.Verdict));
                Assert.Equal(before.Verdicts.Length, e.ProvedBy.Count);
                break;
        }
    }

    private static void Count(Dictionary<(int, int), int> results, int turn, int index)
    {
        results[(turn, index)] = results.GetValueOrDefault((turn, index)) + 1;
        Assert.Equal(1, results[(turn, index)]);
    }

    private static void CheckBudget(RunState state)
    {
        Assert.True(state.Reserved is { ModelCalls: >= 0, ToolCalls: >= 0, Tokens: >= 0, Usd: >= 0 }, $"Less than nothing is reserved: {state.Reserved}.");
        foreach (BudgetMetric metric in (BudgetMetric[])[BudgetMetric.ModelCalls, BudgetMetric.ToolCalls, BudgetMetric.Tokens, BudgetMetric.Usd])
        {
            if (state.Started.Ceilings.Of(metric) is { } ceiling)
                Assert.True(state.Spent.Of(metric) + state.Reserved.Of(metric) <= ceiling, $"{metric}: {state.Spent.Of(metric)} + {state.Reserved.Of(metric)} > {ceiling}");
        }

        if (state.Outcome is not null)
            Assert.Equal(BudgetAmount.Zero, state.Reserved);
    }

    /// <summary>What a provider is shown is well formed: each call followed by its one result, in order.</summary>
    private static void CheckPairs(RunState state)
    {
        for (int i = 0; i < state.Conversation.Messages.Count; i++)
        {
            string[] calls = [.. state.Conversation.Messages[i].Contents.OfType<FunctionCallContent>().Select(c => c.CallId)];
            Assert.Equal(calls.Length, calls.Distinct().Count());
            if (calls.Length == 0 || i == state.Conversation.Messages.Count - 1)
                continue;
            Assert.Equal(ChatRole.Tool, state.Conversation.Messages[i + 1].Role);
            Assert.Equal(calls, state.Conversation.Messages[i + 1].Contents.OfType<FunctionResultContent>().Select(r => r.CallId));
        }
    }
}
