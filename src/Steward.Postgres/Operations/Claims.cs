using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>Leases: taking and prolonging them, by the database's clock alone.</summary>
/// <remarks>
/// A node's row is the lease of all of its runs, so that a sign of life writes one row however many they are. A claim writes its own end
/// into the run's <c>claimable_at</c>. Until then the run is its worker's in any case; afterwards, for as long as the node's row lasts. A
/// worker's next sign of life lets go of a run that it gave up without a word. Expiry alone fences nobody: only the next claim does. A
/// claim looks without any lock (<see cref="DueRuns"/>), and takes what it chose if that is still free.
/// </remarks>
internal static class Claims
{
    private const int AmountsColumn = RunRows.ColumnCount;
    private const int SnapshotColumn = AmountsColumn + 8;

    // Those that somebody else has taken, or is about to take, are passed over.
    private const string Take = $"""
        WITH n AS MATERIALIZED (SELECT steward.now() AS at),
        found AS MATERIALIZED (
            SELECT r.id FROM unnest($3::bigint[]) WITH ORDINALITY AS c (id, turn) JOIN steward.run r ON r.id = c.id
            WHERE r.claimable_at <= (SELECT at FROM n) AND {DueRuns.IsFree}
            ORDER BY c.turn LIMIT $4 FOR UPDATE OF r SKIP LOCKED),
        taken AS (
            UPDATE steward.run t SET epoch = t.epoch + 1, worker = $1, attempts = t.attempts + 1, claimable_at = n.at + $2, updated_at = n.at
            FROM found, n WHERE t.id = found.id RETURNING t.*),
        sign AS (
            INSERT INTO steward.node AS w (name, expires_at, started_at) SELECT $1, n.at + $2, n.at FROM n WHERE EXISTS (SELECT 1 FROM found)
            ON CONFLICT (name) DO UPDATE SET expires_at = greatest(w.expires_at, excluded.expires_at))
        SELECT {RunRows.Columns}, {BudgetRows.Amounts}, p.seq, p.version, p.data
        FROM taken r LEFT JOIN steward.budget b ON {BudgetRows.OfRun} LEFT JOIN steward.snapshot p ON p.run = r.id
        """;

    /// <summary>The most entries of a journal that come along with its claim: those of a run that has just been started, or has hardly
    /// begun.</summary>
    private const int ShortJournal = 4;

    // After the claim, so that nobody appends to these any more; what is too large for its row is read when it is needed.
    private const string Journals = """
        SELECT e.run, e.seq, e.type, e.time, e.payload, e.payload_hash, e.hash FROM steward.run r JOIN steward.event e ON e.run = r.id
        WHERE r.id = ANY($1) AND r.worker = $2 AND r.head <= $3 ORDER BY e.run, e.seq
        """;

    private const string Inboxes = "SELECT DISTINCT s.run FROM steward.signal s WHERE s.run = ANY($1) AND s.consumed IS NULL";

    /// <summary>Claims; where runs are limited, one claim after the other.</summary>
    /// <param name="database">The database.</param>
    /// <param name="cache">What the node goes by; it learns of the runs that it holds from now on.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="after">The tenant at which the last claim of this node ended its look beyond the window.</param>
    /// <param name="cancellationToken">Obeyed until something is taken.</param>
    /// <returns>The claims, and where the look ended; that also where nothing
    /// was claimed, so that the next look goes on after it.</returns>
    public static async Task<(IReadOnlyList<Claim> Claims, string Looked)> TakeAsync(
        Database database,
        NodeCache cache,
        ClaimRequest request,
        string after,
        CancellationToken cancellationToken)
    {
        Control control = await cache.ControlAsync();
        Taking taking = new(request);
        if (!control.Limits.LimitsRuns)
        {
            (List<DueRun> chosen, string looked) = await database.ReadAsync(
                tx => DueRuns.ChooseAsync(tx, request, control, after, Spares(request.Max)), cancellationToken);
            if (chosen.Count == 0)
                return ([], looked);
            bool done = await database.TryAtOnceAsync(trip =>
            {
                control.Confirm(trip);
                taking.AddTo(trip, chosen);
            });
            if (done)
                return (taking.Keep(cache), looked);
            cache.ForgetControl();
        }

        await cache.LearnTimelineAsync();
        string end = await database.WriteAsync(
            async tx =>
            {
                (List<DueRun> chosen, string looked) = await DueRuns.ChooseAsync(tx, request, await LockAsync(tx), after);
                await using RoundTrip trip = tx.RoundTrip();
                taking.AddTo(trip, chosen);
                await trip.SendAsync();
                return looked;
            },
            cancellationToken);
        return (taking.Keep(cache), end);
    }

    /// <summary>What <see cref="TakeAsync"/> would take, and where the look ended.</summary>
    public static async Task<(IReadOnlyList<RunId> Runs, string Looked)> ListAsync(
        Database database,
        NodeCache cache,
        ClaimRequest request,
        string after,
        CancellationToken cancellationToken)
    {
        Control control = await cache.ControlAsync();
        (List<DueRun> chosen, string looked) = await database.ReadAsync(
            tx => DueRuns.ChooseAsync(tx, request, control, after), cancellationToken);
        return ([.. chosen.Select(run => run.Run)], looked);
    }

    public static async Task<IReadOnlyList<Lease>> RenewAsync(
        Tx tx,
        string worker,
        IReadOnlyCollection<Lease> leases,
        TimeSpan duration,
        TimeSpan transactionTimeout)
    {
        HashSet<Lease> held = [];
        await using RoundTrip trip = tx.RoundTrip();
        StalledTransactions.End(trip, transactionTimeout);
        trip.Do(
            "UPDATE steward.run SET worker = NULL WHERE worker = $1 AND claimable_at <= steward.now() AND NOT uuid = ANY($2)",
            worker, leases.Select(l => l.Run.Value).ToArray());
        trip.Do(
            "INSERT INTO steward.node (name, expires_at, started_at) SELECT $1, n.at + $2, n.at FROM (SELECT steward.now() AS at) AS n ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at",
            worker, duration);
        trip.Do(
            "DELETE FROM steward.node w WHERE w.expires_at < steward.now() - interval '1 day' AND NOT EXISTS (SELECT 1 FROM steward.run r WHERE r.worker = w.name)");
        trip.Ask(
            "SELECT uuid, epoch FROM steward.run WHERE worker = $1",
            r => held.Add(new Lease(new RunId(r.GetGuid(0)), r.GetInt64(1), worker)),
            worker);
        await trip.SendAsync();
        return [.. leases.Where(held.Contains)];
    }

    /// <summary>Others look at the same time and choose the same runs: the second to come takes the next ones.</summary>
    private static int Spares(int max) => Math.Clamp(3 * max, 16, 256);

    /// <summary>From here on nobody else claims, for as long as runs are limited.</summary>
    private static async Task<Control> LockAsync(Tx tx)
    {
        await using RoundTrip trip = tx.RoundTrip();
        Concurrency.LockClaims(trip);
        Func<Control> control = Control.Ask(trip);
        await trip.SendAsync();
        return control();
    }

    /// <summary>The runs of one claim, in their turns.</summary>
    private sealed class Taking(ClaimRequest request)
    {
        private readonly List<(int Turn, Claim Claim, RunRecord Row)> _taken = [];
        private readonly HashSet<long> _signalled = [];
        private readonly Dictionary<long, List<JournalEntry>?> _journals = [];

        public void AddTo(RoundTrip trip, List<DueRun> chosen)
        {
            _taken.Clear();
            _signalled.Clear();
            _journals.Clear();
            if (chosen.Count == 0)
                return;
            long[] ids = [.. chosen.Select(run => run.Id)];
            Dictionary<long, int> turns = [];
            foreach (DueRun run in chosen)
                turns.Add(run.Id, turns.Count);
            trip.Ask(
                Take,
                r =>
                {
                    RunRecord run = RunRows.Read(r);
                    _taken.Add((turns[run.Id], Read(r, run), run));
                },
                request.Worker, request.Duration, ids, request.Max);
            trip.Ask(Inboxes, r => _signalled.Add(r.GetInt64(0)), (object)ids);
            Dictionary<long, RunId> names = chosen.ToDictionary(run => run.Id, run => run.Run);
            trip.Ask(Journals, r => Read(r, names[r.GetInt64(0)]), ids, request.Worker, ShortJournal);
            Timelines.Confirm(trip);
        }

        public IReadOnlyList<Claim> Keep(NodeCache cache)
        {
            _taken.Sort((a, b) => a.Turn.CompareTo(b.Turn));
            foreach ((_, _, RunRecord row) in _taken)
                cache.Keep(row);
            return [.. _taken.Select(t => t.Claim with { SignalsPending = _signalled.Contains(t.Row.Id), Journal = JournalOf(t.Row) })];
        }

        /// <summary>The journal that came along, if it is whole; if not, reading it later says what is wrong.</summary>
        private List<JournalEntry>? JournalOf(RunRecord run) =>
            _journals.GetValueOrDefault(run.Id) is { } journal && journal.Count == run.Head && journal[^1].Sequence == run.Head
                ? journal
                : null;

        private void Read(NpgsqlDataReader r, RunId run)
        {
            long id = r.GetInt64(0);
            if (!_journals.TryGetValue(id, out List<JournalEntry>? journal))
                _journals[id] = journal = [];
            if (r.IsDBNull(4))
                _journals[id] = null;
            else
                journal?.Add(new JournalEntry(run, r.GetInt64(1), r.GetString(2), r.Time(3), r.Bytes(4), r.Bytes(5), r.Bytes(6)));
        }

        private Claim Read(NpgsqlDataReader r, RunRecord run) => new()
        {
            Lease = new Lease(run.Run, run.Epoch, request.Worker),
            Info = run.ToInfo(BudgetRows.Amount(r, AmountsColumn), BudgetRows.Amount(r, AmountsColumn + 4)),
            Attempt = run.Attempts,
            IsDoubted = run.IsDoubted,
            Snapshot = r.IsDBNull(SnapshotColumn)
                ? null
                : new RunSnapshot(r.GetInt64(SnapshotColumn), r.GetInt32(SnapshotColumn + 1), r.Bytes(SnapshotColumn + 2)),
        };
    }
}
