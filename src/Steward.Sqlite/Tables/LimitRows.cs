using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tables;

/// <summary>The limits that operators set.</summary>
internal sealed class LimitRows(Db db)
{
    public const string Query = "SELECT scope, runs, queue, calls FROM concurrency_limit";

    private readonly Statement _all = db.Prepare(Query);
    private readonly Statement _delete = db.Prepare("DELETE FROM concurrency_limit WHERE scope = ?1");
    private readonly Statement _insert = db.Prepare("INSERT INTO concurrency_limit (scope, runs, queue, calls) VALUES (?1, ?2, ?3, ?4)");

    public static KeyValuePair<LimitScope, Limits> Read(Statement s) => new(
        new LimitScope(s.Text(0)),
        new Limits { RunsAtOnce = (int?)s.Int64OrNull(1), Queue = (int?)s.Int64OrNull(2), CallsAtOnce = (int?)s.Int64OrNull(3) });

    public LimitTable All() => new(_all.All(Read));

    public void Set(LimitScope scope, Limits limits)
    {
        _delete.Bind(1, scope.Key).Execute();
        if (limits != Limits.None)
            _insert.Bind(1, scope.Key).Bind(2, limits.RunsAtOnce).Bind(3, limits.Queue).Bind(4, limits.CallsAtOnce).Execute();
    }
}
