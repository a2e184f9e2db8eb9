using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>Questions to people: asked and closed by appends, decided by the first decision. All under the lock of the run's row.</summary>
internal static class Questions
{
    public static string Name(QuestionStatus status) => status switch
    {
        QuestionStatus.Open => "open",
        QuestionStatus.Decided => "decided",
        QuestionStatus.Expired => "expired",
        _ => "withdrawn",
    };

    public static QuestionInfo Read(NpgsqlDataReader r) => StoreJson.ReadQuestion(r.Bytes(0));

    /// <summary>Keeps the rows in step with what an append records.</summary>
    public static async Task FollowAsync(Tx tx, RunBatch batch, RunRecord run, DateTimeOffset now)
    {
        List<QuestionInfo> open = QuestionRules.MayClose(batch)
            ? await tx.AllAsync("SELECT body FROM steward.question WHERE run = $1 AND status = 'open' ORDER BY id", Read, run.Id)
            : [];
        QuestionChanges changes = QuestionRules.Follow(batch, run, open, now);
        foreach (QuestionInfo asked in changes.Asked)
            await InsertAsync(tx, run.Id, asked);
        foreach (QuestionInfo withdrawn in changes.Withdrawn)
            await UpdateAsync(tx, run.Id, withdrawn);
    }

    public static async Task<DecisionResult> DecideAsync(Tx tx, Decision decision) =>
        await ChangeAsync(
            tx,
            decision.Run,
            decision.Question,
            (question, now) => (QuestionRules.Decide(question, decision, now, out Signal? signal), signal));

    public static async Task<DecisionResult> ReassignAsync(Tx tx, Reassignment reassignment) =>
        await ChangeAsync(
            tx,
            reassignment.Run,
            reassignment.Question,
            (question, now) => (QuestionRules.Reassign(question, reassignment, now, out Signal? signal), signal));

    private static async Task<DecisionResult> ChangeAsync(
        Tx tx,
        RunId id,
        string questionId,
        Func<QuestionInfo, DateTimeOffset, (DecisionResult Result, Signal? Signal)> change)
    {
        if (await Inbox.LockAsync(tx, id) is not { } run || await FindAsync(tx, run.Id, questionId) is not { } question)
            return DecisionResult.Unknown;
        (DecisionResult result, Signal? signal) = change(question, await tx.NowAsync());
        if (result.Question is { } after && !ReferenceEquals(after, question))
            await UpdateAsync(tx, run.Id, after);
        if (signal is not null)
            await Inbox.PutAsync(tx, signal, StoreJson.Write(signal.Body));
        return result;
    }

    private static Task<QuestionInfo?> FindAsync(Tx tx, long run, string id) =>
        tx.FirstAsync("SELECT body FROM steward.question WHERE run = $1 AND question_id = $2", Read, run, id);

    private static Task<int> InsertAsync(Tx tx, long run, QuestionInfo question) => tx.ExecuteAsync(
        "INSERT INTO steward.question (run, question_id, tenant, status, body) VALUES ($1, $2, $3, $4, $5)",
        run, question.Id, question.Tenant, Name(question.Status), StoreJson.Write(question));

    private static Task<int> UpdateAsync(Tx tx, long run, QuestionInfo question) => tx.ExecuteAsync(
        "UPDATE steward.question SET status = $3, body = $4 WHERE run = $1 AND question_id = $2",
        run, question.Id, Name(question.Status), StoreJson.Write(question));
}
