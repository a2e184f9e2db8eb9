using System.Text.Json;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>Questions to people: rows that an append opens and closes, decided once.</summary>
internal static class QuestionChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Asked_Committed_IsAnOpenRow),
        ConformanceCheck.Of(Asked_RefusedBatch_IsNoRow),
        ConformanceCheck.Of(Decide_First_WinsAndWakesTheRun),
        ConformanceCheck.Of(Decide_Second_IsToldWhoWasFirst),
        ConformanceCheck.Of(Decide_SameIdAgain_IsADuplicate),
        ConformanceCheck.Of(Decide_ManyAtOnce_OneWins),
        ConformanceCheck.Of(Decide_Unknown_SaysSo),
        ConformanceCheck.Of(Decide_OtherTenant_SeesNothing),
        ConformanceCheck.Of(Decide_AfterExpiry_GetsTheDefault),
        ConformanceCheck.Of(Decide_ExpiryBeforeItsTime_ChangesNothing),
        ConformanceCheck.Of(Decide_Quorum_CountsDifferentPeople),
        ConformanceCheck.Of(Decide_QuorumAtOnce_CountsEachOnce),
        ConformanceCheck.Of(Decide_WithoutTheRole_IsNotAllowed),
        ConformanceCheck.Of(Decide_OtherBinding_IsChanged),
        ConformanceCheck.Of(Decide_WrongKindOfAnswer_IsRefused),
        ConformanceCheck.Of(Decide_EditedArguments_GoWithTheAnswer),
        ConformanceCheck.Of(Decide_EndedRun_IsWithdrawn),
        ConformanceCheck.Of(Reassign_Open_ChangesWhoMayDecide),
        ConformanceCheck.Of(Reassign_ByWhoMayNotDecide_ChangesNothing),
        ConformanceCheck.Of(Questions_Found_ByRunTenantAndStatus),
        ConformanceCheck.Of(Feedback_EndedRun_IsKeptOnce),
        ConformanceCheck.Of(Feedback_UnknownRun_SaysSo),
        ConformanceCheck.Of(Feedback_OfAnAppend_IsKeptOnceWithIt),
        ConformanceCheck.Of(Append_Migrated_MovesTheRow),
    ];

    private static QuestionAsked Ask(string id = "q1") =>
        new()
        {
            Id = id,
            Kind = QuestionKind.Approval,
            Text = "May it?",
            Binding = "b1",
            Tool = "drop",
            Arguments = JsonElement.Parse("""{"n":1}"""),
        };

    private static Decision Say(
        Subject run,
        Answer answer = Answer.Approve,
        string by = "ana",
        string? id = null,
        string question = "q1") =>
        new() { Id = id ?? $"{by}-{answer}", Run = run.Id, Question = question, Answer = answer, By = by };

    private static async Task<Subject> AskedAsync(Scene s, QuestionAsked? asked = null, string tenant = "acme")
    {
        Subject run = await s.ClaimedAsync(tenant);
        await run.CommitAsync(
            run.Batch(asked ?? Ask()) with { Status = RunStatus.Awaiting, Reason = "approval", Release = new RunRelease(null) });
        return run;
    }

    private static async Task<QuestionInfo> FindAsync(Scene s, Subject run, string id = "q1")
    {
        IReadOnlyList<QuestionInfo> found = await s.Store.QuestionsAsync(
            new QuestionQuery { Run = run.Id, Id = id, Status = null }, s.Token);
        Expect.Equal(1, found.Count);
        return found[0];
    }

    private static async Task Asked_Committed_IsAnOpenRow(Scene s)
    {
        Subject run = await AskedAsync(s);
        QuestionInfo question = await FindAsync(s, run);
        Expect.Equal(QuestionStatus.Open, question.Status);
        Expect.Equal("acme", question.Tenant);
        Expect.Equal("support", question.Agent);
        Expect.Equal("""{"n":1}""", question.Arguments?.GetRawText());
        Expect.Equal(s.Now.ToUnixTimeMilliseconds(), question.AskedAt.ToUnixTimeMilliseconds());
    }

    private static async Task Asked_RefusedBatch_IsNoRow(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.FencedAsync(run.Batch(Ask()) with { Lease = run.Lease with { Epoch = 7 } });
        Expect.Equal(0, (await s.Store.QuestionsAsync(new QuestionQuery { Run = run.Id, Status = null }, s.Token)).Count);
    }

    private static async Task Decide_First_WinsAndWakesTheRun(Scene s)
    {
        Subject run = await AskedAsync(s);
        Expect.Equal(null, await s.ClaimAsync(run.Id));
        DecisionResult result = await s.Store.DecideAsync(Say(run) with { Note = "fine" }, s.Token);
        Expect.Equal(DecisionStatus.Accepted, result.Status);
        IReadOnlyList<Signal> inbox = await s.Store.InboxAsync(run.Id, s.Token);
        var answer = Expect.Is<AnswerSignal>(inbox[0].Body);
        Expect.Equal((Answer.Approve, "ana", "fine", "b1"), (answer.Answer, answer.By, answer.Note, answer.Binding));
        Expect.NotNull(await s.ClaimAsync(run.Id), "the claim of the run that has its answer");
    }

    private static async Task Decide_Second_IsToldWhoWasFirst(Scene s)
    {
        Subject run = await AskedAsync(s);
        await s.Store.DecideAsync(Say(run), s.Token);
        DecisionResult late = await s.Store.DecideAsync(Say(run, Answer.Deny, "ben"), s.Token);
        Expect.Equal(DecisionStatus.AlreadyDecided, late.Status);
        Expect.Equal("ana", late.Question!.Votes[^1].By);
        Expect.Equal(1, (await s.InboxAsync(run.Id)).Length);
    }

    private static async Task Decide_SameIdAgain_IsADuplicate(Scene s)
    {
        Subject run = await AskedAsync(s);
        await s.Store.DecideAsync(Say(run), s.Token);
        Expect.Equal(DecisionStatus.Duplicate, (await s.Store.DecideAsync(Say(run), s.Token)).Status);
        Expect.Equal(1, (await s.InboxAsync(run.Id)).Length);
    }

    private static async Task Decide_ManyAtOnce_OneWins(Scene s)
    {
        Subject run = await AskedAsync(s);
        DecisionResult[] results = await Scene.AtOnceAsync(
            16, i => s.Store.DecideAsync(Say(run, i % 2 == 0 ? Answer.Approve : Answer.Deny, $"p{i}"), s.Token).AsTask());
        Expect.Equal(1, results.Count(r => r.Status == DecisionStatus.Accepted));
        Expect.Equal(15, results.Count(r => r.Status == DecisionStatus.AlreadyDecided));
        QuestionInfo question = await FindAsync(s, run);
        var answer = Expect.Is<AnswerSignal>((await s.Store.InboxAsync(run.Id, s.Token))[0].Body);
        Expect.Equal(question.Votes[^1].By, answer.By);
        Expect.Equal(question.Answer, answer.Answer);
    }

    private static async Task Decide_Unknown_SaysSo(Scene s)
    {
        Subject run = await AskedAsync(s);
        Expect.Equal(DecisionStatus.Unknown, (await s.Store.DecideAsync(Say(run, question: "q9"), s.Token)).Status);
        Expect.Equal(DecisionStatus.Unknown, (await s.Store.DecideAsync(Say(run) with { Run = RunId.New(s.Host.Time) }, s.Token)).Status);
    }

    private static async Task Decide_OtherTenant_SeesNothing(Scene s)
    {
        Subject run = await AskedAsync(s);
        DecisionResult result = await s.Store.DecideAsync(Say(run) with { Tenant = "other" }, s.Token);
        Expect.Equal(DecisionStatus.Unknown, result.Status);
        Expect.Equal(null, result.Question);
        Expect.Equal(QuestionStatus.Open, (await FindAsync(s, run)).Status);
    }

    private static async Task Decide_AfterExpiry_GetsTheDefault(Scene s)
    {
        Subject run = await AskedAsync(s, Ask() with { ExpiresAt = s.Now + TimeSpan.FromSeconds(5) });
        await s.AdvanceAsync(TimeSpan.FromSeconds(6));
        DecisionResult late = await s.Store.DecideAsync(Say(run), s.Token);
        Expect.Equal(DecisionStatus.Expired, late.Status);
        var answer = Expect.Is<AnswerSignal>((await s.Store.InboxAsync(run.Id, s.Token))[0].Body);
        Expect.Equal((Answer.Deny, QuestionRules.Expiry), (answer.Answer, answer.By));
        Expect.Equal(
            DecisionStatus.Duplicate,
            (await s.Store.DecideAsync(Say(run) with { Id = QuestionRules.Expiry, IsExpiry = true }, s.Token)).Status);
        Expect.Equal(1, (await s.InboxAsync(run.Id)).Length);
    }

    private static async Task Decide_ExpiryBeforeItsTime_ChangesNothing(Scene s)
    {
        Subject run = await AskedAsync(s, Ask() with { ExpiresAt = s.Now + TimeSpan.FromMinutes(5) });
        Expect.Equal(
            DecisionStatus.NotDue,
            (await s.Store.DecideAsync(Say(run) with { Id = QuestionRules.Expiry, IsExpiry = true }, s.Token)).Status);
        Expect.Sequence([], await s.InboxAsync(run.Id));
        Expect.Equal(DecisionStatus.Accepted, (await s.Store.DecideAsync(Say(run), s.Token)).Status);
    }

    private static async Task Decide_Quorum_CountsDifferentPeople(Scene s)
    {
        Subject run = await AskedAsync(s, Ask() with { Needed = 2 });
        Expect.Equal(DecisionStatus.Counted, (await s.Store.DecideAsync(Say(run), s.Token)).Status);
        Expect.Equal(DecisionStatus.AlreadyVoted, (await s.Store.DecideAsync(Say(run, id: "again"), s.Token)).Status);
        Expect.Sequence([], await s.InboxAsync(run.Id));
        Expect.Equal(DecisionStatus.Accepted, (await s.Store.DecideAsync(Say(run, by: "ben"), s.Token)).Status);
        Expect.Equal("ana, ben", Expect.Is<AnswerSignal>((await s.Store.InboxAsync(run.Id, s.Token))[0].Body).By);
    }

    private static async Task Decide_QuorumAtOnce_CountsEachOnce(Scene s)
    {
        Subject run = await AskedAsync(s, Ask() with { Needed = 3 });
        DecisionResult[] results = await Scene.AtOnceAsync(9, i => s.Store.DecideAsync(Say(run, by: $"p{i}"), s.Token).AsTask());
        Expect.Equal(2, results.Count(r => r.Status == DecisionStatus.Counted));
        Expect.Equal(1, results.Count(r => r.Status == DecisionStatus.Accepted));
        Expect.Equal(6, results.Count(r => r.Status == DecisionStatus.AlreadyDecided));
    }

    private static async Task Decide_WithoutTheRole_IsNotAllowed(Scene s)
    {
        Subject run = await AskedAsync(s, Ask() with { Roles = ["finance"] });
        Expect.Equal(DecisionStatus.NotAllowed, (await s.Store.DecideAsync(Say(run), s.Token)).Status);
        Expect.Equal(
            DecisionStatus.Accepted, (await s.Store.DecideAsync(Say(run) with { Id = "2", Roles = ["finance", "x"] }, s.Token)).Status);
    }

    private static async Task Decide_OtherBinding_IsChanged(Scene s)
    {
        Subject run = await AskedAsync(s);
        Expect.Equal(DecisionStatus.Changed, (await s.Store.DecideAsync(Say(run) with { Binding = "b0" }, s.Token)).Status);
        Expect.Equal(DecisionStatus.Accepted, (await s.Store.DecideAsync(Say(run) with { Binding = "b1" }, s.Token)).Status);
    }

    private static async Task Decide_WrongKindOfAnswer_IsRefused(Scene s)
    {
        Subject run = await AskedAsync(s);
        Expect.Equal(DecisionStatus.NotAnAnswer, (await s.Store.DecideAsync(Say(run, Answer.Happened), s.Token)).Status);
        Expect.Sequence([], await s.InboxAsync(run.Id));
    }

    private static async Task Decide_EditedArguments_GoWithTheAnswer(Scene s)
    {
        Subject run = await AskedAsync(s);
        await s.Store.DecideAsync(Say(run) with { Arguments = JsonElement.Parse("""{"n":2}"""), ArgumentsBinding = "b2" }, s.Token);
        var answer = Expect.Is<AnswerSignal>((await s.Store.InboxAsync(run.Id, s.Token))[0].Body);
        Expect.Equal("""{"n":2}""", answer.Arguments?.GetRawText());
        Expect.Equal("b2", answer.Binding);
    }

    private static async Task Decide_EndedRun_IsWithdrawn(Scene s)
    {
        Subject run = await AskedAsync(s);
        await s.SignalAsync(run.Id);
        await run.ClaimAsync();
        await run.CommitAsync(run.Ended());
        Expect.Equal(DecisionStatus.Withdrawn, (await s.Store.DecideAsync(Say(run), s.Token)).Status);
    }

    private static async Task Reassign_Open_ChangesWhoMayDecide(Scene s)
    {
        Subject run = await AskedAsync(s);
        DecisionResult given = await s.Store.ReassignAsync(new Reassignment("r1", run.Id, "q1", "ana", "ben"), s.Token);
        Expect.Equal((DecisionStatus.Accepted, "ben"), (given.Status, given.Question?.Assignee));
        Expect.Equal(
            DecisionStatus.Duplicate, (await s.Store.ReassignAsync(new Reassignment("r1", run.Id, "q1", "ana", "ben"), s.Token)).Status);
        Expect.Equal(1, (await s.Store.InboxAsync(run.Id, s.Token)).Count);
        Expect.Is<ReassignSignal>((await s.Store.InboxAsync(run.Id, s.Token))[0].Body);
        Expect.Equal(DecisionStatus.NotAllowed, (await s.Store.DecideAsync(Say(run), s.Token)).Status);
        Expect.Equal(DecisionStatus.Accepted, (await s.Store.DecideAsync(Say(run, by: "ben"), s.Token)).Status);
        Expect.Equal(
            DecisionStatus.AlreadyDecided,
            (await s.Store.ReassignAsync(new Reassignment("r2", run.Id, "q1", "ben", "cy"), s.Token)).Status);
        Expect.Equal(
            DecisionStatus.Unknown, (await s.Store.ReassignAsync(new Reassignment("r2", run.Id, "q9", "ben", "cy"), s.Token)).Status);
    }

    private static async Task Reassign_ByWhoMayNotDecide_ChangesNothing(Scene s)
    {
        Subject run = await AskedAsync(s, Ask() with { Roles = ["finance"] });
        var reassignment = new Reassignment("r1", run.Id, "q1", "eve", "eve");
        Expect.Equal(DecisionStatus.NotAllowed, (await s.Store.ReassignAsync(reassignment, s.Token)).Status);
        Expect.Equal(
            DecisionStatus.NotAllowed, (await s.Store.ReassignAsync(reassignment with { Assignee = null, Roles = [] }, s.Token)).Status);
        Expect.Equal(
            DecisionStatus.Unknown,
            (await s.Store.ReassignAsync(reassignment with { ByRoles = ["finance"], Tenant = "other" }, s.Token)).Status);
        Expect.Equal(0, (await s.Store.InboxAsync(run.Id, s.Token)).Count);
        QuestionInfo asked = (await s.Store.QuestionsAsync(new QuestionQuery { Run = run.Id }, s.Token))[0];
        Expect.Equal((null, 0), (asked.Assignee, asked.Handovers.Count));

        Expect.Equal(
            DecisionStatus.Accepted,
            (await s.Store.ReassignAsync(reassignment with { By = "ana", ByRoles = ["finance"], Assignee = "ben" }, s.Token)).Status);
        Expect.Equal(DecisionStatus.NotAllowed, (await s.Store.ReassignAsync(reassignment with { Id = "r2" }, s.Token)).Status);
        DecisionResult taken = await s.Store.ReassignAsync(
            reassignment with { Id = "r3", By = "root", Assignee = "cy", IsOverride = true }, s.Token);
        Expect.Sequence(
            [("ana", "ben", false), ("root", "cy", true)], taken.Question!.Handovers.Select(h => (h.By, h.Assignee!, h.IsOverride)));
        Expect.Equal(true, Expect.Is<ReassignSignal>((await s.Store.InboxAsync(run.Id, s.Token))[1].Body).Override);
    }

    private static async Task Questions_Found_ByRunTenantAndStatus(Scene s)
    {
        Subject one = await AskedAsync(s);
        Subject two = await AskedAsync(s, tenant: "other");
        await s.Store.DecideAsync(Say(one), s.Token);
        Expect.Sequence([two.Id], (await s.Store.QuestionsAsync(new QuestionQuery(), s.Token)).Select(q => q.Run));
        Expect.Sequence(
            [one.Id], (await s.Store.QuestionsAsync(new QuestionQuery { Tenant = "acme", Status = null }, s.Token)).Select(q => q.Run));
        Expect.Sequence(
            [one.Id], (await s.Store.QuestionsAsync(new QuestionQuery { Status = QuestionStatus.Decided }, s.Token)).Select(q => q.Run));
        Expect.Equal(1, (await s.Store.QuestionsAsync(new QuestionQuery { Status = null, Limit = 1 }, s.Token)).Count);
    }

    private static async Task Feedback_EndedRun_IsKeptOnce(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Ended());
        var feedback = new Feedback
        {
            Id = "f1",
            Run = run.Id,
            Kind = FeedbackKind.Explicit,
            Score = 0.5,
            Comment = "so so",
            By = "ana",
            At = s.Now,
            Turn = 2,
        };
        Expect.True(await s.Store.AddFeedbackAsync(feedback, s.Token));
        Expect.True(await s.Store.AddFeedbackAsync(feedback with { Score = 1 }, s.Token));
        Expect.Sequence([feedback], await s.Store.FeedbackAsync(new FeedbackQuery { Run = run.Id }, s.Token));
        Expect.Sequence([feedback], await s.Store.FeedbackAsync(new FeedbackQuery { Agent = "support", Tenant = "acme" }, s.Token));
        Expect.Sequence([], await s.Store.FeedbackAsync(new FeedbackQuery { Tenant = "other" }, s.Token));
        await run.UnchangedAsync();
    }

    private static async Task Feedback_OfAnAppend_IsKeptOnceWithIt(Scene s)
    {
        Subject other = await s.StartedAsync();
        Subject run = await s.ClaimedAsync();
        var feedback = new Feedback { Id = "f1", Run = other.Id, Kind = FeedbackKind.Repeated, By = "runtime", At = s.Now };
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Feedback = [feedback, feedback with { Run = RunId.New(s.Host.Time) }] });
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Feedback = [feedback with { Comment = "again" }] });
        Expect.Sequence([feedback], await s.Store.FeedbackAsync(new FeedbackQuery(), s.Token));
        RunBatch stale = run.Batch(Scene.Fact()) with
        {
            ExpectedSequence = run.Sequence + 5,
            Entries = [],
            Feedback = [feedback with { Id = "f2" }],
        };
        Expect.Is<AppendResult.Fenced>(await s.Store.AppendAsync(stale, s.Token));
        Expect.Equal(1, (await s.Store.FeedbackAsync(new FeedbackQuery(), s.Token)).Count);
    }

    private static async Task Append_Migrated_MovesTheRow(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        Expect.Equal("1", (await s.InfoAsync(run.Id)).AgentVersion);
        await run.CommitAsync(new RunMigrated("s1", "1", new string('a', 64), "2", new string('b', 64), "ann", null));
        Expect.Equal("2", (await s.InfoAsync(run.Id)).AgentVersion);
    }

    private static async Task Feedback_UnknownRun_SaysSo(Scene s) => Expect.True(
        !await s.Store.AddFeedbackAsync(
            new Feedback { Id = "f1", Run = RunId.New(s.Host.Time), Kind = FeedbackKind.Explicit, By = "ana", At = s.Now }, s.Token),
        "feedback on an unknown run is not kept");
}
