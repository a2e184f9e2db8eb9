using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres.Tables;

/// <summary>Feedback's rows.</summary>
internal static class FeedbackRows
{
    /// <summary>Keeps feedback once per id; false when there is no such run.</summary>
    public static async Task<bool> KeepAsync(Tx tx, Feedback feedback)
    {
        long id = await tx.FirstAsync(
            "SELECT id FROM steward.run WHERE uuid = $1 FOR KEY SHARE", static r => r.GetInt64(0), feedback.Run.Value);
        if (id > 0)
            await tx.ExecuteAsync(
                "INSERT INTO steward.feedback (run, feedback_id, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                id,
                feedback.Id,
                StoreJson.Write(feedback));
        return id > 0;
    }
}
