using System.Collections.Concurrent;
using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.Storage;
using Steward.Testing;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;
using static Steward.Tests.Support.Payments;

namespace Steward.Tests.Scenarios;

/// <summary>Decisions that meet: with each other, with the run's own steps, with time, with a restart.</summary>
public abstract class ApprovalRaceTests(ITestOutputHelper output)
{
    private const string Question = "approve-1.0";
    private static readonly ApprovalPolicy s_pay = new() { Name = "payments", Tools = ["pay"] };
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    /// <summary>Opens the store, or opens it again: what was there is there.</summary>
    protected abstract Task<IStewardStore> OpenAsync(TimeProvider time);

    /// <summary>Closes it, if it is one that outlives its process.</summary>
    protected abstract Task<IStewardStore> ReopenAsync(IStewardStore store, TimeProvider time);

    [Fact]
    public async Task Race_TwoPeopleOppositeAnswersAThousandTimes_ExactlyOneWinsAndTheOtherIsToldWho()
    {
        const int Rounds = 1_000;
        ManualTimeProvider time = new();
        await using IStewardStore store = await OpenAsync(time);
        Payments payments = new([Pays([.. Enumerable.Range(1, 20)]), Says("done")], [s_pay], store, time);
        int approved = 0;
        for (int round = 0; round < Rounds / 20; round++)
        {
            RunId run = await payments.AskAsync();
            QuestionInfo[] questions = await payments.OpenAsync(run);
            Assert.Equal(20, questions.Length);
            await Parallel.ForEachAsync(questions, TestContext.Current.CancellationToken, async (question, _) =>
            {
                Func<ValueTask<DecisionResult>>[] both =
                [
                    () => payments.DecideAsync(run, question.Id, Answer.Approve, "ana"),
                    () => payments.DecideAsync(run, question.Id, Answer.Deny, "ben"),
                ];
                bool swapped = question.Arguments!.Value.GetProperty("amount").GetInt32() % 2 == 0;
                DecisionResult[] results = await AtOnceAsync(swapped ? [both[1], both[0]] : both);
                DecisionResult won = Assert.Single(results, r => r.Status == DecisionStatus.Accepted);
                DecisionResult lost = Assert.Single(results, r => r.Status == DecisionStatus.AlreadyDecided);
                string winner = ReferenceEquals(won, results[swapped ? 1 : 0]) ? "ana" : "ben";
                Assert.Equal(winner, lost.Question!.Votes[^1].By);
                Assert.Equal(won.Question!.Answer, lost.Question.Answer);
                if (winner == "ana")
                    Interlocked.Increment(ref approved);
            });
            await payments.WorkAsync();
            Assert.Equal(RunStatus.Completed, (await payments.CheckedAsync(run)).Status);
        }

        Assert.Equal(approved, payments.Paid.Count);
        output.WriteLine($"{Rounds} races: {approved} approved and paid, {Rounds - approved} refused and not paid.");
    }

    [Fact]
    public async Task Race_DoubleClickByTwoReviewers_OneApprovalAndOneCall() // user-pain #13
    {
        ManualTimeProvider time = new();
        await using IStewardStore store = await OpenAsync(time);
        Payments payments = new([Pays(5), Says("done")], [s_pay], store, time);
        RunId run = await payments.AskAsync();
        DecisionResult[] results = await AtOnceAsync(
            () => payments.DecideAsync(run, Question, Answer.Approve, "ana", d => d with { Id = "a" }),
            () => payments.DecideAsync(run, Question, Answer.Approve, "ana", d => d with { Id = "a" }),
            () => payments.DecideAsync(run, Question, Answer.Approve, "ben", d => d with { Id = "b" }),
            () => payments.DecideAsync(run, Question, Answer.Approve, "ben", d => d with { Id = "b" }));
        Assert.Single(results, r => r.Status == DecisionStatus.Accepted);
        Assert.Single(results, r => r.Status == DecisionStatus.Duplicate);
        Assert.Equal(2, results.Count(r => r.Status == DecisionStatus.AlreadyDecided));
        await payments.WorkAsync();
        Assert.Single(payments.Paid);
    }

    [Fact]
    public async Task Race_ApprovedBetweenTheQuestionsCommitAndTheRunsParking_IsNotMissed()
    {
        int met = 0;
        for (int n = 1; ; n++)
        {
            ManualTimeProvider time = new();
            await using IStewardStore store = await OpenAsync(time);
            // A sibling makes the question's commit another one than the parking's.
            Payments payments = new([Calls_(("pay", new { amount = 5 }), ("look", new { })), Says("done")], [s_pay], store, time);
            RunId run = await payments.Lab.StartAsync();
            bool decided = false;
            var watched = new FaultyStore(store)
            {
                Hook = async (_, call) =>
                {
                    if (call == n && await payments.OpenAsync(run) is [{ } question])
                    {
                        decided = true;
                        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, question.Id));
                    }
                },
            };
            while (await payments.Lab.WorkAsync("w1", watched) is not null)
            {
                // The store makes the run claimable again by itself.
            }

            int calls = watched.Calls;
            if (decided)
            {
                met++;
                Assert.Single(payments.Paid);
                Assert.Equal(RunStatus.Completed, (await payments.CheckedAsync(run)).Status);
            }

            if (n > calls)
                break;
        }

        Assert.True(met >= 2, $"Only {met} moments after the question's commit were tried.");
        output.WriteLine($"Approved at {met} moments between the question's commit and the end of the claim; none was missed.");
    }

    [Fact]
    public async Task Race_ApprovedAfterExpiry_TheDefaultStands()
    {
        ManualTimeProvider time = new();
        await using IStewardStore store = await OpenAsync(time);
        Payments payments = new([Pays(5), Says("done")], [s_pay with { ExpiresAfter = s_hour }], store, time);
        RunId run = await payments.AskAsync();
        time.Advance(s_hour);
        // Nobody has noticed yet that the time is up: the store does.
        DecisionResult late = await payments.DecideAsync(run, Question, Answer.Approve);
        Assert.Equal((DecisionStatus.Expired, Answer.Deny), (late.Status, late.Question!.Answer!.Value));
        await payments.WorkAsync();
        Assert.Empty(payments.Paid);
        Assert.Equal(RunStatus.Completed, (await payments.CheckedAsync(run)).Status);
    }

    [Fact]
    public async Task Race_ExpiryAgainstApprovalAtTheSameMoment_OneOfTheTwoHappens()
    {
        const int Rounds = 200;
        int paid = 0;
        ManualTimeProvider time = new();
        await using IStewardStore store = await OpenAsync(time);
        for (int round = 0; round < Rounds; round++)
        {
            Payments payments = new([Pays(5), Says("done")], [s_pay with { ExpiresAfter = s_hour }], store, time);
            RunId run = await payments.AskAsync();
            time.Advance(s_hour - TimeSpan.FromMilliseconds(1));
            DecisionStatus decided = default;
            await TogetherAsync(
                async () => decided = await payments.ApproveAsync(run, Question),
                payments.WorkAsync,
                () =>
                {
                    time.Advance(TimeSpan.FromMilliseconds(1));
                    return Task.CompletedTask;
                });
            await payments.WorkAsync();

            bool won = decided == DecisionStatus.Accepted;
            Assert.True(won || decided == DecisionStatus.Expired, $"{decided}");
            Assert.Equal(won ? 1 : 0, payments.Paid.Count);
            Assert.Equal(RunStatus.Completed, (await payments.CheckedAsync(run)).Status);
            Assert.Single((await payments.Lab.JournalAsync(run)).Select(e => e.Event).OfType<QuestionAnswered>());
            paid += payments.Paid.Count;
        }

        output.WriteLine($"{Rounds} rounds: {paid} approved in time, {Rounds - paid} expired; never both, never neither.");
    }

    [Fact]
    public async Task Race_ApprovedAfterARestart_Runs()
    {
        ManualTimeProvider time = new();
        IStewardStore store = await OpenAsync(time);
        Payments before = new([Pays(5), Says("done")], [s_pay], store, time);
        RunId run = await before.AskAsync();
        store = await ReopenAsync(store, time);
        Payments after = new([Pays(5), Says("done")], [s_pay], store, time);
        QuestionInfo question = await after.TheQuestionAsync(run);
        Assert.Equal(DecisionStatus.Accepted, await after.ApproveAsync(run, question.Id, with: d => d with { Binding = question.Binding }));
        store = await ReopenAsync(store, time);
        Payments again = new([Pays(5), Says("done")], [s_pay], store, time);
        Assert.Equal(DecisionStatus.AlreadyDecided, await again.ApproveAsync(run, question.Id, "ben"));
        await again.WorkAsync();
        Assert.Empty(before.Paid);
        Assert.Single(again.Paid);
        Assert.Equal(RunStatus.Completed, (await again.CheckedAsync(run)).Status);
        await store.DisposeAsync();
    }

    [Fact]
    public async Task Race_WhatTheDeciderSawHasChanged_IsRefused()
    {
        ManualTimeProvider time = new();
        await using IStewardStore store = await OpenAsync(time);
        Payments payments = new([Pays(500), Says("done")], [s_pay with { Approvers = 2 }], store, time);
        RunId run = await payments.AskAsync();
        QuestionInfo seen = await payments.TheQuestionAsync(run);
        await payments.ApproveAsync(run, Question, "ben", d => d with { Arguments = JsonElement.Parse("""{"amount":900}""") });
        DecisionResult result = await payments.DecideAsync(run, Question, Answer.Approve, "ana", d => d with { Binding = seen.Binding });
        Assert.Equal(DecisionStatus.Changed, result.Status);
        Assert.Equal(900, result.Question!.Arguments!.Value.GetProperty("amount").GetInt32());
        Assert.NotEqual(seen.Binding, result.Question.Binding);
        await payments.WorkAsync();
        Assert.Empty(payments.Paid);
    }

    [Fact]
    public async Task Race_TwiceWithOneId_IsADuplicateEvenAfterItIsClosed()
    {
        ManualTimeProvider time = new();
        await using IStewardStore store = await OpenAsync(time);
        Payments payments = new([Pays(5), Says("done")], [s_pay with { Approvers = 2 }], store, time);
        RunId run = await payments.AskAsync();
        Assert.Equal(DecisionStatus.Counted, await payments.ApproveAsync(run, Question, "ana", d => d with { Id = "a" }));
        Assert.Equal(DecisionStatus.Duplicate, await payments.ApproveAsync(run, Question, "ana", d => d with { Id = "a" }));
        Assert.Equal(DecisionStatus.Accepted, await payments.ApproveAsync(run, Question, "ben", d => d with { Id = "b" }));
        Assert.Equal(DecisionStatus.Duplicate, await payments.ApproveAsync(run, Question, "ben", d => d with { Id = "b" }));
        await payments.WorkAsync();
        Assert.Equal(DecisionStatus.Duplicate, await payments.ApproveAsync(run, Question, "ben", d => d with { Id = "b" }));
        Assert.Single(payments.Paid);
    }

    [Fact]
    public async Task Race_TwoWorkersAfterTheApproval_ExactlyOneExecutes() // user-pain #12
    {
        const int Rounds = 100;
        ManualTimeProvider time = new();
        await using IStewardStore store = await OpenAsync(time);
        ConcurrentDictionary<string, int> workers = new();
        for (int round = 0; round < Rounds; round++)
        {
            Payments one = new([Pays(5), Says("done")], [s_pay], store, time);
            Payments two = new([Pays(5), Says("done")], [s_pay], store, time);
            RunId run = await one.AskAsync();
            await TogetherAsync(
                () => WorkUntilOverAsync(one, run, "w1"),
                () => WorkUntilOverAsync(two, run, "w2"),
                async () => Assert.Equal(DecisionStatus.Accepted, await one.ApproveAsync(run, Question)));
            Assert.Equal(1, one.Paid.Count + two.Paid.Count);
            workers.AddOrUpdate(one.Paid.Count == 1 ? "w1" : "w2", 1, (_, n) => n + 1);
            await one.CheckedAsync(run);
        }

        output.WriteLine($"{Rounds} approvals, each carried out once: {string.Join(", ", workers.Select(w => $"{w.Value} by {w.Key}"))}.");
    }

    private static async Task WorkUntilOverAsync(Payments payments, RunId run, string worker)
    {
        while (!(await payments.Lab.StateAsync(run)).Status.IsTerminal())
        {
            if (await payments.Lab.WorkAsync(worker) is null)
                await Task.Yield();
        }
    }

    /// <summary>Each on a thread of its own, let go at the same moment.</summary>
    private static async Task TogetherAsync(params Func<Task>[] acts)
    {
        using var barrier = new Barrier(acts.Length);
        Task[] all = [.. acts.Select(act => Task.Run(
            async () =>
            {
                barrier.SignalAndWait();
                await act();
            },
            TestContext.Current.CancellationToken))];
        await Task.WhenAll(all).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    private static async Task<DecisionResult[]> AtOnceAsync(params Func<ValueTask<DecisionResult>>[] decisions)
    {
        using var barrier = new SemaphoreSlim(0);
        Task<DecisionResult>[] all = [.. decisions.Select(async decide => { await barrier.WaitAsync(); return await decide(); })];
        barrier.Release(decisions.Length);
        return await Task.WhenAll(all);
    }
}
