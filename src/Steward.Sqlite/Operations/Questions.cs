using Steward.Journal;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>Questions to people: asked and closed by appends, decided by whoever is first.</summary>
internal static class Questions
{
    /// <summary>Keeps the rows in step with what an append records.</summary>
    public static void Follow(WriteSession session, RunBatch batch, RunRow run)
    {
        foreach (JournalEntry entry in batch.Entries)
        {
            if (entry.Event is QuestionAsked asked)
                session.Questions.Insert(run.Id, QuestionRules.Open(run.Run, run.Tenant, run.Agent, asked, Instant.Read(session.Now)));
            else if (entry.Event is QuestionAnswered answered && session.Questions.Find(run.Id, answered.Id) is { Status: QuestionStatus.Open } open)
                session.Questions.Update(run.Id, QuestionRules.Withdraw(open, Instant.Read(session.Now)));
        }

        if (!batch.Status.IsTerminal())
            return;
        foreach (QuestionInfo open in session.Questions.Open(run.Id))
            session.Questions.Update(run.Id, QuestionRules.Withdraw(open, Instant.Read(session.Now)));
    }

    public static DecisionResult Decide(WriteSession session, Decision decision) =>
        Change(session, decision.Run, decision.Question, (question, now) => (QuestionRules.Decide(question, decision, now, out Signal? signal), signal));

    public static DecisionResult Reassign(WriteSession session, Reassignment reassignment) =>
        Change(session, reassignment.Run, reassignment.Question, (question, now) => (QuestionRules.Reassign(question, reassignment, now, out Signal? signal), signal));

    private static DecisionResult Change(WriteSession session, RunId id, string questionId, Func<QuestionInfo, DateTimeOffset, (DecisionResult Result, Signal? Signal)> change)
    {
        if (session.Runs.Find(id) is not { } run || session.Questions.Find(run.Id, questionId) is not { } question)
            return DecisionResult.Unknown;
        (DecisionResult result, Signal? signal) = change(question, Instant.Read(session.Now));
        if (result.Question is { } after && !ReferenceEquals(after, question))
            session.Questions.Update(run.Id, after);
        if (signal is not null)
            Inbox.Put(session, signal, StoreJson.Write(signal.Body));
        return result;
    }
}
