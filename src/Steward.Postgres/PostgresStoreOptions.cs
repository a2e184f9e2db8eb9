using System.ComponentModel.DataAnnotations;
using Npgsql;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>How the PostgreSQL store reaches its database. Either <see cref="ConnectionString"/> or <see cref="DataSource"/> is set.</summary>
public sealed record PostgresStoreOptions
{
    /// <summary>Where the database is; the store makes and closes its own pool of connections.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>A pool of connections to use instead; whoever made it closes it.</summary>
    /// <remarks>Give its connections an <c>idle_in_transaction_session_timeout</c>: see <see cref="TransactionTimeout"/>.</remarks>
    public NpgsqlDataSource? DataSource { get; init; }

    /// <summary>The schema of the store's tables; it is made if it is not there. Several installations may share a database under different ones.</summary>
    /// <value><c>steward</c>.</value>
    public string Schema { get; init; } = "steward";

    /// <summary>Loops that write appends on this node, each one transaction at a time. More than two seldom help.</summary>
    /// <value>2.</value>
    [Range(1, 16)]
    public int Writers { get; init; } = 2;

    /// <summary>Most appends that share one transaction.</summary>
    /// <value>128.</value>
    [Range(1, 1_000)]
    public int MaxGroup { get; init; } = 128;

    /// <summary>How long a transaction may stand still before the server ends it, so that a node that freezes holds up no other.</summary>
    /// <value>10 seconds.</value>
    public TimeSpan TransactionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether nodes tell each other of new work and signals with NOTIFY, so that these need not wait for the next poll. It takes a connection of its own. Behind a pooler in transaction mode it brings nothing.</summary>
    /// <value>True.</value>
    public bool Notify { get; init; } = true;

    /// <summary>What the store takes at most.</summary>
    public StoreLimits Limits { get; init; } = new();

    /// <summary>The SQL expression for the time, for tests alone: leases are judged by the database's own clock.</summary>
    internal string Clock { get; init; } = "clock_timestamp()";

    /// <exception cref="ArgumentException">They contradict themselves.</exception>
    internal void Validate()
    {
        if (string.IsNullOrWhiteSpace(ConnectionString) == (DataSource is null))
            throw new ArgumentException("Set either ConnectionString or DataSource of the PostgreSQL store, not both.", nameof(ConnectionString));
        if (Schema.Length is 0 or > 63 || !char.IsAsciiLetter(Schema[0]) || !Schema.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'))
            throw new ArgumentException($"'{Schema}' is not a name for the store's schema; use lower-case letters, digits and '_', at most 63, a letter first.", nameof(Schema));
        ArgumentOutOfRangeException.ThrowIfLessThan(Writers, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Writers, 16);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxGroup, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxGroup, 1_000);
        ArgumentOutOfRangeException.ThrowIfLessThan(TransactionTimeout, TimeSpan.FromSeconds(1));
    }
}
