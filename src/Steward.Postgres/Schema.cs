using System.Globalization;
using Microsoft.Extensions.Logging;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>A numbered script that takes a schema from one version to the next.</summary>
internal sealed record Migration(int Version, string Sql);

/// <summary>Brings the schema up to date; several nodes may start at once.</summary>
internal static class Schema
{
    /// <summary>All migrations that were ever released, in order; a released one never changes.</summary>
    public static IReadOnlyList<Migration> Migrations { get; } = Load();

    /// <exception cref="StoreException">A newer version made the schema.</exception>
    public static async Task MigrateAsync(
        Database database,
        IReadOnlyList<Migration> migrations,
        ILogger logger,
        CancellationToken cancellationToken)
    {
        int known = migrations[^1].Version;
        int before = await database.ReadAsync(VersionAsync, cancellationToken);
        if (before < known)
            before = await database.WriteAsync(tx => ApplyAsync(tx, migrations), cancellationToken);
        if (before > known)
            throw new StoreException(
                StoreFailure.NewerSchema,
                $"The schema '{database.Sql.Schema}' of '{database.Name}' has version {before}, but this version of Steward knows only {known}. Run the newer Steward that made it, or restore a backup from before the upgrade.");
        if (before < known)
            Log.Migrated(logger, database.Sql.Schema, database.Name, known);
    }

    /// <summary>Warns of a server that acknowledges what it has not written, and refuses
    /// sessions in which a statement does not see what was committed before it.</summary>
    /// <exception cref="StoreException">Transactions are not <c>read committed</c> by default.</exception>
    public static async Task CheckSettingsAsync(Database database, ILogger logger, CancellationToken cancellationToken)
    {
        (string? synchronous, string? fsync, string? isolation) = await database.ReadAsync(
            tx => tx.FirstAsync(
                "SELECT current_setting('synchronous_commit'), current_setting('fsync'), current_setting('default_transaction_isolation')",
                    static r => (r.GetString(0), r.GetString(1), r.GetString(2))),
            cancellationToken);
        if (isolation != "read committed")
            throw new StoreException(
                StoreFailure.Io,
                $"Sessions of '{database.Name}' begin with default_transaction_isolation = '{isolation}'; the store needs 'read committed'. Take the setting off the role and the database (ALTER ROLE … RESET default_transaction_isolation), or out of the data source.");
        if (synchronous == "off")
            Log.NotDurable(logger, database.Name, "synchronous_commit");
        if (fsync == "off")
            Log.NotDurable(logger, database.Name, "fsync");
    }

    /// <summary>Applies what is missing, all in one transaction; returns the version that was there.</summary>
    private static async Task<int> ApplyAsync(Tx tx, IReadOnlyList<Migration> migrations)
    {
        await tx.ExecuteAsync("SELECT pg_advisory_xact_lock($1)", tx.Sql.MigrationLock);

        // Another node may have been faster while this one waited for the lock.
        int before = await VersionAsync(tx);
        if (before >= migrations[^1].Version)
            return before;
        if (!await tx.FirstAsync(
            "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", static r => r.GetBoolean(0), tx.Sql.Schema))
            await tx.ExecuteAsync($"CREATE SCHEMA \"{tx.Sql.Schema}\"");
        await tx.ExecuteAsync(
            "CREATE TABLE IF NOT EXISTS steward.schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())");
        foreach (Migration migration in migrations.Where(m => m.Version > before))
        {
            await tx.ExecuteAsync(migration.Sql);
            await tx.ExecuteAsync("INSERT INTO steward.schema_version (version) VALUES ($1)", migration.Version);
        }

        return before;
    }

    private static async Task<int> VersionAsync(Tx tx)
    {
        // Asked of the catalogue's rows: to_regclass may answer from a cache of before the lock was taken.
        bool exists = await tx.FirstAsync(
            "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'schema_version')", static r => r.GetBoolean(0), tx.Sql.Schema);
        return exists ? await tx.FirstAsync("SELECT coalesce(max(version), 0) FROM steward.schema_version", static r => r.GetInt32(0)) : 0;
    }

    private static Migration[] Load()
    {
        System.Reflection.Assembly assembly = typeof(Schema).Assembly;
        return
        [
            .. assembly.GetManifestResourceNames()
                .Where(name => char.IsAsciiDigit(name[0]))
                .Order(StringComparer.Ordinal)
                .Select(name => new Migration(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), Read(assembly, name))),
        ];
    }

    private static string Read(System.Reflection.Assembly assembly, string name)
    {
        using StreamReader reader = new(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
