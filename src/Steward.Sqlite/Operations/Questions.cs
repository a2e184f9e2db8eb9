using Steward.Journal;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>Questions to people: asked and closed by appends, decided by the first decision.</summary>
internal static class Questions
{
    /// <summary>Keeps the rows in step with what an append records.</summary>
    public static void Follow(WriteSession session, RunBatch batch, RunRecord run)
    {
        QuestionChanges changes = QuestionRules.Follow(
            batch, run, QuestionRules.MayClose(batch) ? session.Questions.Open(run.Id) : [], session.Time);
        foreach (QuestionInfo asked in changes.Asked)
            session.Questions.Insert(run.Id, asked);
        foreach (QuestionInfo withdrawn in changes.Withdrawn)
            session.Questions.Update(run.Id, withdrawn);
    }

    public static DecisionResult Decide(WriteSession session, Decision decision) =>
        Change(
            session,
            decision.Run,
            decision.Question,
            (question, now) => (QuestionRules.Decide(question, decision, now, out Signal? signal), signal));

    public static DecisionResult Reassign(WriteSession session, Reassignment reassignment) =>
        Change(
            session,
            reassignment.Run,
            reassignment.Question,
            (question, now) => (QuestionRules.Reassign(question, reassignment, now, out Signal? signal), signal));

    private static DecisionResult Change(
        WriteSession session,
        RunId id,
        string questionId,
        Func<QuestionInfo, DateTimeOffset, (DecisionResult Result, Signal? Signal)> change)
    {
        if (session.Runs.Find(id) is not { } run || session.Questions.Find(run.Id, questionId) is not { } question)
            return DecisionResult.Unknown;
        (DecisionResult result, Signal? signal) = change(question, session.Time);
        if (result.Question is { } after && !ReferenceEquals(after, question))
            session.Questions.Update(run.Id, after);
        if (signal is not null)
            Inbox.Put(session, signal, StoreJson.Write(signal.Body));
        return result;
    }
}
