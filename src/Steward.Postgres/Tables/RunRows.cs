using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres.Tables;

/// <summary>The rows of runs.</summary>
internal static class RunRows
{
    public const string Columns =
        "r.id, r.uuid, r.tenant, r.user_name, r.session, r.agent, r.version, r.status, r.reason, r.epoch, r.worker, r.attempts, "
        + "r.head, r.head_hash, r.claimable_at, r.created_at, r.updated_at, r.ancestors, r.queued, r.slots, r.doubted, r.labels::text";
    public const int ColumnCount = 22;

    public static RunRecord Read(NpgsqlDataReader r) => new()
    {
        Id = r.GetInt64(0),
        Run = new RunId(r.GetGuid(1)),
        Tenant = r.GetString(2),
        User = r.TextOrNull(3),
        Session = r.TextOrNull(4),
        Agent = r.GetString(5),
        AgentVersion = r.GetString(6),
        Status = RunStatusExtensions.Parse(r.GetString(7)),
        Reason = r.GetString(8),
        Epoch = r.GetInt64(9),
        Worker = r.TextOrNull(10),
        Attempts = r.GetInt32(11),
        Head = r.GetInt64(12),
        HeadHash = r.Bytes(13),
        ClaimableAt = r.TimeOrNull(14),
        CreatedAt = r.Time(15),
        UpdatedAt = r.Time(16),
        Ancestors = ReadAncestors(r, 17),
        Queued = r.GetBoolean(18),
        Slots = SlotRules.Read(r.TextOrNull(19)),
        IsDoubted = r.GetBoolean(20),
        Labels = StoreJson.ReadLabels(r.TextOrNull(21)),
    };

    public static IReadOnlyList<RunId> ReadAncestors(NpgsqlDataReader r, int column) =>
        r.GetFieldValue<Guid[]>(column) is { Length: > 0 } above ? Array.ConvertAll(above, id => new RunId(id)) : [];
}
