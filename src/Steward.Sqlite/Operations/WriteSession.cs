using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>The writer's connection, its tables, and what one commit group holds in memory. Used by the writer's thread alone.</summary>
internal sealed class WriteSession : IDisposable
{
    private readonly Db _db;
    private readonly TimeProvider _time;
    private readonly SwitchTable _switches;
    private readonly TimeSpan _patience;
    private readonly Statement _commit;
    private readonly LimitRows _limits;
    private List<KillSwitch>? _engaged;
    private LimitTable? _limited;

    public WriteSession(Db db, SqliteStoreOptions options, TimeProvider time)
    {
        _db = db;
        _time = time;
        Runs = new RunTable(db);
        Blobs = new BlobTable(db);
        Events = new EventTable(db, Blobs, options.Limits.InlinePayload);
        Signals = new SignalTable(db);
        Snapshots = new SnapshotTable(db);
        Questions = new QuestionTable(db);
        Feedback = new FeedbackTable(db);
        Budgets = new BudgetCache(new BudgetTable(db));
        _switches = new SwitchTable(db);
        _limits = new LimitRows(db);
        Load = new LoadTable(db);
        _patience = options.BusyTimeout;
        _commit = db.Prepare("COMMIT");
    }

    public Db Db => _db;
    public RunTable Runs { get; }
    public EventTable Events { get; }
    public BlobTable Blobs { get; }
    public SignalTable Signals { get; }
    public SnapshotTable Snapshots { get; }
    public QuestionTable Questions { get; }
    public FeedbackTable Feedback { get; }
    public BudgetCache Budgets { get; }
    public LoadTable Load { get; }

    /// <summary>The tenant at which the last claim with a long queue ended its look at tenants; null before the first.</summary>
    public string? LastTenant { get; set; }

    /// <summary>The store's clock, in milliseconds.</summary>
    public long Now => Instant.Of(_time.GetUtcNow());

    /// <summary>The same as a time.</summary>
    public DateTimeOffset Time => Instant.Read(Now);

    /// <summary>The engaged switches, loaded at most once a group.</summary>
    public IReadOnlyList<KillSwitch> Switches => _engaged ??= _switches.All();

    /// <summary>The limits that are set, loaded at most once a group.</summary>
    public LimitTable Limits => _limited ??= _limits.All();

    /// <summary>Heads that this group moved, for the witness.</summary>
    public List<WitnessRecord> Moved { get; } = [];

    /// <summary>Runs that go less far in the database than was acknowledged.</summary>
    public IReadOnlyDictionary<RunId, JournalException> Refused { get; set; } = new Dictionary<RunId, JournalException>();

    /// <summary>Set by an operation: the log is to be emptied after the commit, if nobody reads from it.</summary>
    public bool WantsTruncatedLog { get; set; }

    public void Begin()
    {
        ForgetGroup();
        _db.BeginImmediate(_patience);
    }

    public void Commit()
    {
        Budgets.Flush();
        _commit.Execute();
    }

    public void Rollback()
    {
        ForgetGroup();
        _db.Rollback();
    }

    /// <summary>The rows behind <see cref="Switches"/>; all that follow in the group see a change.</summary>
    public SwitchTable ChangeSwitches()
    {
        _engaged = null;
        return _switches;
    }

    /// <summary>The rows behind <see cref="Limits"/>; all that follow in the group see a change.</summary>
    public LimitRows ChangeLimits()
    {
        _limited = null;
        return _limits;
    }

    /// <summary>The end of something that begins now.</summary>
    public DateTimeOffset Due(TimeSpan duration) => _time.GetUtcNow() + duration;

    public KillSwitch? SwitchOver(RunRecord run) => Gate.FindSwitch(Switches, run);

    /// <exception cref="JournalException">The database holds less of the run than was acknowledged.</exception>
    public void ThrowIfRefused(RunId run)
    {
        if (Refused.TryGetValue(run, out JournalException? loss))
            throw new JournalException(loss.Message) { Run = loss.Run, Sequence = loss.Sequence };
    }

    public void Dispose() => _db.Dispose();

    private void ForgetGroup()
    {
        Budgets.Clear();
        Moved.Clear();
        _engaged = null;
        _limited = null;
    }
}
