using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tables;

/// <summary>Feedback on runs.</summary>
internal sealed class FeedbackTable(Db db)
{
    private readonly Statement _insert = db.Prepare(
        "INSERT INTO feedback (run, feedback_id, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");

    public static Feedback Read(Statement s) => StoreJson.ReadFeedback(s.Span(0));

    public void Insert(long run, Feedback feedback) =>
        _insert.Bind(1, run).Bind(2, feedback.Id).Bind(3, StoreJson.Write(feedback)).Execute();
}
