using Steward.Sqlite.Data;

namespace Steward.Sqlite.Tables;

/// <summary>The runs' inboxes.</summary>
internal sealed class SignalTable(Db db)
{
    private readonly Statement _exists = db.Prepare("SELECT 1 FROM signal WHERE run = ?1 AND signal_id = ?2");
    private readonly Statement _pending = db.Prepare("SELECT 1 FROM signal WHERE run = ?1 AND consumed IS NULL LIMIT 1");
    private readonly Statement _insert = db.Prepare("INSERT INTO signal (run, signal_id, body, at) VALUES (?1, ?2, ?3, ?4)");
    private readonly Statement _consume = db.Prepare(
        "UPDATE signal SET consumed = ?3 WHERE run = ?1 AND signal_id = ?2 AND consumed IS NULL");

    public bool Exists(long run, string id) => _exists.Bind(1, run).Bind(2, id).First(static _ => true);

    public bool AnyPending(long run) => _pending.Bind(1, run).First(static _ => true);

    public void Insert(long run, string id, byte[] body, long now) => _insert.Bind(1, run).Bind(2, id).Bind(3, body).Bind(4, now).Execute();

    /// <summary>Marks a signal as applied; false when it is unknown or was applied before.</summary>
    public bool Consume(long run, string id, long sequence) => _consume.Bind(1, run).Bind(2, id).Bind(3, sequence).Execute() == 1;
}
