using Npgsql;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>How the PostgreSQL store reaches its database. Either
/// <see cref="ConnectionString"/> or <see cref="DataSource"/> is set.</summary>
public sealed record PostgresStoreOptions
{
    /// <summary>Where the database is; the store makes and closes its own pool of connections.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>A pool of connections to use instead; its maker closes it.</summary>
    /// <remarks>Unless <see cref="Pooled"/> is set, give its connections an
    /// <c>idle_in_transaction_session_timeout</c>: see <see cref="TransactionTimeout"/>.</remarks>
    public NpgsqlDataSource? DataSource { get; init; }

    /// <summary>The schema of the store's tables; it is made if it is not there.
    /// Several installations may share a database under different ones.</summary>
    /// <value><c>steward</c>.</value>
    public string Schema { get; init; } = "steward";

    /// <summary>Loops that write appends on this node, each one transaction at a time. More than two seldom help.</summary>
    /// <value>2; 1 to 16.</value>
    public int Writers { get; init; } = 2;

    /// <summary>Most appends that share one transaction.</summary>
    /// <value>128; 1 to 1,000.</value>
    public int MaxGroup { get; init; } = 128;

    /// <summary>How long a transaction may stand still before the server ends it, so that a node that freezes holds up no other.</summary>
    /// <value>10 seconds; 1 second to 1 hour.</value>
    public TimeSpan TransactionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether nodes tell each other of new work and signals with NOTIFY, so that
    /// these need not wait for the next poll. It takes a connection of its own.</summary>
    /// <value>True; of no effect behind a pooler unless <see cref="DirectConnectionString"/> is set.</value>
    public bool Notify { get; init; } = true;

    /// <summary>Whether a pooler that lends connections for the length of a transaction
    /// (PgBouncer with <c>pool_mode = transaction</c>) stands before the database.</summary>
    /// <remarks>
    /// Then nothing is kept in a session: no startup <c>options</c>, no prepared statements, no reset of connections;
    /// <see cref="TransactionTimeout"/> is set in each transaction that takes several trips, which costs it one more.
    /// A <see cref="DataSource"/> must have <c>No Reset On Close=true</c> and no <c>Max Auto Prepare</c>.
    /// </remarks>
    /// <value>False.</value>
    public bool Pooled { get; init; }

    /// <summary>Whether a failover loses nothing that was acknowledged, as with synchronous
    /// replication. If not, a run may ask a person before it goes on: one that was at work when a standby was promoted or a backup
    /// restored, if its tools are not safe to repeat.</summary>
    /// <value>False.</value>
    public bool LosslessFailover { get; init; }

    /// <summary>The way past the pooler, for the one connection that listens:
    /// without it a pooled node finds by polling what others do.</summary>
    public string? DirectConnectionString { get; init; }

    /// <summary>What the store takes at most.</summary>
    public StoreLimits Limits { get; init; } = new();

    /// <summary>The SQL expression for the time, for tests alone: leases are judged by the database's own clock.</summary>
    internal string Clock { get; init; } = "clock_timestamp()";

    /// <exception cref="ArgumentException">They contradict themselves.</exception>
    internal void Validate()
    {
        if (string.IsNullOrWhiteSpace(ConnectionString) == (DataSource is null))
            throw new ArgumentException(
                "Set either ConnectionString or DataSource of the PostgreSQL store, not both.",
                nameof(ConnectionString));
        if (Schema.Length is 0 or > 63
            || !char.IsAsciiLetter(Schema[0])
            || !Schema.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'))
            throw new ArgumentException(
                $"'{Schema}' is not a name for the store's schema; use lower-case letters, digits and '_', at most 63, a letter first.",
                nameof(Schema));
        Limits.Check();
        OptionRange.Check<int>("PostgresStoreOptions.Writers", Writers, 1, 16);
        OptionRange.Check<int>("PostgresStoreOptions.MaxGroup", MaxGroup, 1, 1_000);
        OptionRange.Check<TimeSpan>(
            "PostgresStoreOptions.TransactionTimeout", TransactionTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        if (Pooled)
            ValidatePooled(new NpgsqlConnectionStringBuilder(ConnectionString ?? DataSource!.ConnectionString));
        else if (DirectConnectionString is not null)
            throw new ArgumentException(
                "DirectConnectionString of the PostgreSQL store is the way past a pooler: set Pooled too, or leave it out.",
                nameof(DirectConnectionString));
    }

    private void ValidatePooled(NpgsqlConnectionStringBuilder given)
    {
        if (given.MaxAutoPrepare > 0)
            throw new ArgumentException(
                $"'Max Auto Prepare={given.MaxAutoPrepare}' keeps statements in a session, which a pooler in transaction mode gives to others. Take it out, or do not set Pooled.");
        if (given.Options is { Length: > 0 } options)
            throw new ArgumentException(
                $"A pooler in transaction mode does not pass on 'Options={options}'. Take it out and set this for the user or the database (ALTER ROLE … SET).");
        if (DataSource is not null && !given.NoResetOnClose)
            throw new ArgumentException(
                "Behind a pooler the DataSource needs 'No Reset On Close=true': a reset would hit another's session.");
    }
}
