using System.Globalization;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tables;

/// <summary>The engaged kill switches.</summary>
internal sealed class SwitchTable(Db db)
{
    public const string Query = "SELECT scope, by, reason, at FROM kill_switch ORDER BY scope";

    private readonly Statement _all = db.Prepare(Query);
    private readonly Statement _insert = db.Prepare(
        "INSERT INTO kill_switch (scope, by, reason, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (scope) DO NOTHING");
    private readonly Statement _delete = db.Prepare("DELETE FROM kill_switch WHERE scope = ?1");

    public static KillSwitch Read(Statement s) =>
        new(
            s.Text(0),
            s.Text(1),
            s.TextOrNull(2),
            DateTimeOffset.Parse(s.Text(3), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind));

    public List<KillSwitch> All() => _all.All(Read);

    public bool Engage(KillSwitch killSwitch) =>
        _insert.Bind(1, killSwitch.Scope).Bind(2, killSwitch.By).Bind(3, killSwitch.Reason)
            .Bind(4, killSwitch.At.ToString("o", CultureInfo.InvariantCulture)).Execute() == 1;

    public bool Release(string scope) => _delete.Bind(1, scope).Execute() == 1;
}
