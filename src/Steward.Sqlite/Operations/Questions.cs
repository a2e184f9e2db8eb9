using Steward.Runs;
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

    public static DecisionResult Decide(WriteSession session, Decision decision)
    {
        if (session.Runs.Find(decision.Run) is not { } run || session.Questions.Find(run.Id, decision.Question) is not { } question)
            return DecisionResult.Unknown;
        DecisionResult result = QuestionRules.Decide(question, decision, Instant.Read(session.Now), out Signal? signal);
        if (result.Question is { } after && !ReferenceEquals(after, question))
            session.Questions.Update(run.Id, after);
        if (signal is not null)
            Inbox.Put(session, signal, StoreJson.Write(signal.Body));
        return result;
    }

    public static QuestionInfo? Reassign(WriteSession session, Reassignment reassignment)
    {
        if (session.Runs.Find(reassignment.Run) is not { } run || session.Questions.Find(run.Id, reassignment.Question) is not { } question)
            return null;
        if (QuestionRules.Reassign(question, reassignment, out Signal signal) is not { } after)
            return null;
        if (Inbox.Put(session, signal, StoreJson.Write(signal.Body)) != SignalResult.Accepted)
            return question;
        session.Questions.Update(run.Id, after);
        return after;
    }
}
