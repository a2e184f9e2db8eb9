using Npgsql;
using Steward.Tests.Shared;

namespace Steward.ClusterBench.Bed;

/// <summary>A primary and a standby; nodes know both.</summary>
internal sealed class FailoverDatabase : PostgresDatabase, IDatabase
{
    private readonly PostgresServer _primary;
    private readonly PostgresServer _standby;

    /// <param name="isSynchronous">Whether a commit waits for the standby.</param>
    public FailoverDatabase(bool isSynchronous)
    {
        IsLossless = isSynchronous;
        _primary = Server;
        _standby = Add(_primary.StartStandby());
        string[] folders = [_primary.Folder, _standby.Folder];
        Store = new NpgsqlConnectionStringBuilder(Store) { Host = string.Join(',', folders), HostRecheckSeconds = 1 }.ConnectionString;
        if (isSynchronous)
            ScalarAsync<object>(_primary, "ALTER SYSTEM SET synchronous_standby_names = '*'").Wait();
        ScalarAsync<object>(_primary, "SELECT pg_reload_conf()").Wait();
    }

    public bool IsLossless { get; }

    /// <summary>From now on the standby hears nothing: what is committed is the primary's alone.</summary>
    public async Task CutOffAsync()
    {
        await ScalarAsync<object>(_standby, "ALTER SYSTEM SET primary_conninfo = ''");
        await ScalarAsync<object>(_standby, "SELECT pg_reload_conf()");
        await TestBed.UntilAsync(async () => await ScalarAsync<long>(_primary, "SELECT count(*) FROM pg_stat_replication") == 0, "the standby is cut off");
    }

    /// <summary>The primary dies as in a power cut; the standby becomes the primary.</summary>
    public void FailOver()
    {
        _primary.Die();
        _standby.Promote();
        Server = _standby;
    }
}
