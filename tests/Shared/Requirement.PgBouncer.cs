namespace Steward.Tests.Shared;

internal static partial class Requirement
{
    /// <summary>PostgreSQL and the program <c>pgbouncer</c>; gives the pooler of this test process.</summary>
    public static PgBouncer PgBouncer()
    {
        Postgres();
        if (Shared.PgBouncer.Find() is null)
            Missing("pgbouncer", "PgBouncer is not installed (/usr/sbin/pgbouncer).");
        return Shared.PgBouncer.Shared;
    }
}
