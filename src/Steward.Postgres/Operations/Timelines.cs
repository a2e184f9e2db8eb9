using Steward.Postgres.Data;
using Steward.Postgres.Tables;

namespace Steward.Postgres.Operations;

/// <summary>Notices that the database is another one than before: a promoted standby, or
/// a restored backup, which may lack the last commits that were acknowledged.</summary>
/// <remarks>
/// PostgreSQL begins a new timeline then. Nothing is claimed on a timeline that is not known. The first node to come makes it known, and
/// marks the runs that may lack something. They are those that a worker held, and those that one may have claimed since, because they were
/// due. A run lacks nothing if a node whose epoch and sequence are those of the database appends to it; its mark then goes.
/// </remarks>
internal static class Timelines
{
    /// <summary>The timeline in which the server writes; null on a standby.</summary>
    private const string Current =
        "(CASE WHEN pg_is_in_recovery() THEN NULL ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint END)";

    private const string IsKnown = $"EXISTS (SELECT 1 FROM steward.timeline t WHERE t.timeline = {Current})";

    /// <summary>How far a standby may have been behind: runs that fell due in that
    /// time after the last change that is there may have been claimed.</summary>
    private static readonly TimeSpan s_mostLag = TimeSpan.FromMinutes(10);

    /// <summary>Ends the transaction if the timeline is not known.</summary>
    public static void Confirm(RoundTrip trip) =>
        trip.Ask($"SELECT CASE WHEN {IsKnown} THEN true ELSE steward.refuse('the timeline is known') END", null);

    /// <summary>Makes the timeline known, if it is not.</summary>
    /// <param name="tx">A transaction that has locked nothing yet.</param>
    /// <param name="lossless">Whether what was acknowledged cannot be missing.</param>
    /// <returns>How many runs are doubted; null where the timeline was known, or is the first, or this is no primary.</returns>
    public static async Task<int?> LearnAsync(Tx tx, bool lossless)
    {
        const string Look = $"SELECT {Current} IS NULL OR {IsKnown}";
        if (await tx.FirstAsync(Look, static r => r.GetBoolean(0)))
            return null;
        await Switches.TakeAloneAsync(tx); // Nobody appends meanwhile: later appends know the mark, or take it off.
        if (await tx.FirstAsync(Look, static r => r.GetBoolean(0)))
            return null;
        bool isFirst = await tx.FirstAsync("SELECT NOT EXISTS (SELECT 1 FROM steward.timeline)", static r => r.GetBoolean(0));
        await tx.ExecuteAsync($"INSERT INTO steward.timeline (timeline, seen_at) VALUES ({Current}, steward.now())");
        if (isFirst || lossless)
            return null;
        return await tx.ExecuteAsync(
            $"""
            UPDATE steward.run SET doubted = true
            WHERE status NOT IN {StatusSql.Ended}
                AND (worker IS NOT NULL OR claimable_at <= (SELECT max(updated_at) FROM steward.run) + $1::interval)
            """,
            s_mostLag);
    }
}
