using System.Globalization;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite;

/// <summary>A numbered script that takes a database from one version to the next.</summary>
internal sealed record Migration(int Version, string Sql);

/// <summary>Opens connections as the store wants them, and brings the schema up to date.</summary>
internal static class Schema
{
    /// <summary>All migrations that were ever released, in order; a released one never changes.</summary>
    public static IReadOnlyList<Migration> Migrations { get; } = Load();

    public static Db OpenWriter(SqliteStoreOptions options)
    {
        // SQLite makes a file for everybody to read; its log and its index take the rights of the file.
        if (Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(options.Path))))
            PrivateFiles.Ensure(options.Path);
        Db db = Db.Open(options.Path, options.BusyTimeout);
        try
        {
            db.Execute("PRAGMA page_size = 4096; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF");
            db.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA cache_size = -{options.WriterCache}"));
            UseLog(db);
            db.Execute(
                string.Create(CultureInfo.InvariantCulture,
                    $"PRAGMA synchronous = {(options.Durability == SqliteDurability.Full ? "FULL" : "NORMAL")}; PRAGMA wal_autocheckpoint = {options.AutoCheckpoint}"));
            if (options.MaxPageCount is { } pages)
                db.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA max_page_count = {pages}"));
            return db;
        }
        catch
        {
            db.Dispose();
            throw;
        }
    }

    public static Db OpenReader(SqliteStoreOptions options)
    {
        Db db = Db.Open(options.Path, options.BusyTimeout);
        try
        {
            db.Execute("PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON");
            db.ForbidCheckpointOnClose(); // A reader that happens to be the last one writes nothing: when, is the writer's to say.
            return db;
        }
        catch
        {
            db.Dispose();
            throw;
        }
    }

    /// <summary>Applies what is missing, each migration in a transaction of its own.</summary>
    public static void Migrate(Db db, IReadOnlyList<Migration> migrations, TimeProvider time)
    {
        foreach (Migration migration in migrations)
        {
            if (VersionOf(db, migrations) < migration.Version)
                Apply(db, migration, migrations, time);
        }
    }

    private static void Apply(Db db, Migration migration, IReadOnlyList<Migration> migrations, TimeProvider time)
    {
        db.Execute("BEGIN EXCLUSIVE");
        try
        {
            // Another process may have been faster while this one waited for the lock.
            if (VersionOf(db, migrations) < migration.Version)
            {
                db.Execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)");
                db.Execute(migration.Sql);
                db.Execute(
                    string.Create(CultureInfo.InvariantCulture,
                        $"INSERT INTO schema_version VALUES ({migration.Version}, {time.GetUtcNow().ToUnixTimeMilliseconds()})"));
            }

            db.Execute("COMMIT");
        }
        catch
        {
            db.Rollback();
            throw;
        }
    }

    private static long VersionOf(Db db, IReadOnlyList<Migration> migrations)
    {
        if (db.Number("SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'") == 0)
            return 0;
        long version = db.Number("SELECT coalesce(max(version), 0) FROM schema_version");
        int known = migrations[^1].Version;
        return version <= known
            ? version
            : throw new StoreException(
                StoreFailure.NewerSchema,
                $"The database '{db.Path}' has schema version {version}, but this version of Steward knows only {known}. Run the newer Steward that made it, or restore a backup from before the upgrade.");
    }

    /// <summary>Switching the journal mode answers "busy" without waiting while another process opens the same file.</summary>
    private static void UseLog(Db db)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                if (db.Text("PRAGMA journal_mode = WAL") != "wal")
                    throw new StoreException(
                        StoreFailure.Io,
                        $"The file system of '{db.Path}' has no write-ahead log (shared memory is missing). Put the database on a local disk.");
                return;
            }
            catch (SqliteFailure e) when (e.IsBusy && attempt < 100)
            {
                WaitForOther(db);
            }
        }
    }

    /// <summary>Lets SQLite's own busy handler do the waiting.</summary>
    private static void WaitForOther(Db db)
    {
        try
        {
            db.Execute("BEGIN IMMEDIATE; ROLLBACK");
        }
        catch (SqliteFailure e) when (e.IsBusy)
        {
            db.Rollback();
        }
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
