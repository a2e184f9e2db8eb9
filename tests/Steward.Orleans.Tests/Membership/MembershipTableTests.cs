using System.Net;
using Orleans.Runtime;
using Steward.Orleans.Membership;
using Steward.Tests.Shared;

namespace Steward.Orleans.Tests.Membership;

/// <summary>The contract of Orleans' list of silos, as its own tests check it of its own tables, and what else the contract says.</summary>
public abstract class MembershipTableTests : IAsyncLifetime
{
    private static readonly DateTime s_now = new(2026, 11, 27, 1, 2, 3, DateTimeKind.Utc);
    private static int s_generation;
    private ClusterSchema _schema = null!;
    private SiloRows _rows = null!;
    private MembershipTable _table = null!;

    public async ValueTask InitializeAsync()
    {
        _schema = await CreateAsync();
        _rows = Rows("one");
        _table = new MembershipTable(_rows);
        await _table.InitializeMembershipTable(true);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _schema.DisposeAsync();
    }

    [Fact]
    public async Task ReadAll_NewCluster_IsEmptyAtVersionZero()
    {
        MembershipTableData data = await _table.ReadAll();

        Assert.Empty(data.Members);
        Assert.Equal(0, data.Version.Version);
        Assert.NotNull(data.Version.VersionEtag);
    }

    [Fact]
    public async Task Initialize_OfSeveralSilosAtOnce_KeepsOneVersion()
    {
        await InsertAsync(Entry());

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _table.InitializeMembershipTable(true)));

        Assert.Equal(1, (await _table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task InsertRow_WithEveryField_IsReadAsItWas()
    {
        MembershipEntry entry = Entry(SiloStatus.Joining);
        (entry.RoleName, entry.UpdateZone, entry.FaultZone) = ("role", 3, 4);
        entry.SuspectTimes = [Tuple.Create(Address(), s_now.AddSeconds(1)), Tuple.Create(Address(), s_now.AddSeconds(2))];
        TableVersion next = (await _table.ReadAll()).Version.Next();

        Assert.True(await _table.InsertRow(entry, next));

        MembershipTableData data = await _table.ReadRow(entry.SiloAddress);
        Assert.Equal(entry.ToFullString(), Assert.Single(data.Members).Item1.ToFullString());
        Assert.Equal(entry.SuspectTimes, data.Members[0].Item1.SuspectTimes);
        Assert.Equal((3, 4, DateTimeKind.Utc), (data.Members[0].Item1.UpdateZone, data.Members[0].Item1.FaultZone, data.Members[0].Item1.StartTime.Kind));
        Assert.Equal(1, data.Version.Version);
        Assert.NotEqual(next.VersionEtag, data.Version.VersionEtag);
    }

    [Fact]
    public async Task InsertRow_SameSiloOrOldVersion_IsRefusedWithoutATrace()
    {
        MembershipEntry entry = Entry();
        TableVersion first = (await _table.ReadAll()).Version.Next();
        Assert.True(await _table.InsertRow(entry, first));

        Assert.False(await _table.InsertRow(entry, first));
        Assert.False(await _table.InsertRow(Entry(), first));
        Assert.False(await _table.InsertRow(entry, (await _table.ReadAll()).Version.Next()));

        MembershipTableData data = await _table.ReadAll();
        Assert.Single(data.Members);
        Assert.Equal(1, data.Version.Version);
    }

    [Fact]
    public async Task UpdateRow_AtTheRightEtags_ReplacesTheRow()
    {
        MembershipEntry entry = await InsertAsync(Entry(SiloStatus.Joining));
        MembershipTableData before = await _table.ReadAll();
        (entry.Status, entry.SuspectTimes) = (SiloStatus.Active, [Tuple.Create(Address(), s_now)]);

        Assert.True(await _table.UpdateRow(entry, before.TryGet(entry.SiloAddress)!.Item2, before.Version.Next()));

        MembershipTableData after = await _table.ReadAll();
        Assert.Equal(entry.ToFullString(), after.TryGet(entry.SiloAddress)!.Item1.ToFullString());
        Assert.NotEqual(before.TryGet(entry.SiloAddress)!.Item2, after.TryGet(entry.SiloAddress)!.Item2);
        Assert.Equal(2, after.Version.Version);
    }

    [Fact]
    public async Task UpdateRow_AtAnOldEtagOfRowOrTable_IsRefusedWithoutATrace()
    {
        MembershipEntry entry = await InsertAsync(Entry());
        MembershipTableData old = await _table.ReadAll();
        Assert.True(await _table.UpdateRow(entry, old.TryGet(entry.SiloAddress)!.Item2, old.Version.Next()));
        MembershipTableData now = await _table.ReadAll();

        Assert.False(await _table.UpdateRow(entry, old.TryGet(entry.SiloAddress)!.Item2, old.Version.Next()));
        Assert.False(await _table.UpdateRow(entry, now.TryGet(entry.SiloAddress)!.Item2, old.Version.Next()));
        Assert.False(await _table.UpdateRow(entry, old.TryGet(entry.SiloAddress)!.Item2, now.Version.Next()));
        Assert.False(await _table.UpdateRow(entry, "not ours", now.Version.Next()));
        Assert.False(await _table.UpdateRow(Entry(), now.TryGet(entry.SiloAddress)!.Item2, now.Version.Next()));

        MembershipTableData after = await _table.ReadAll();
        Assert.Equal(now.Version, after.Version);
        Assert.Equal(now.TryGet(entry.SiloAddress)!.Item2, after.TryGet(entry.SiloAddress)!.Item2);
    }

    [Fact]
    public async Task InsertRow_ByManyAtOnce_OneWins()
    {
        MembershipEntry entry = Entry();
        TableVersion next = (await _table.ReadAll()).Version.Next();

        bool[] won = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _table.InsertRow(entry, next)));

        Assert.Single(won, w => w);
        Assert.Single((await _table.ReadAll()).Members);
    }

    [Fact]
    public async Task UpdateRow_ByManyAtOnce_EachSucceedsOnceAndNoneIsLost()
    {
        MembershipEntry entry = await InsertAsync(Entry());

        await Task.WhenAll(Enumerable.Range(0, 19).Select(async _ =>
        {
            bool done;
            do
            {
                MembershipTableData data = await _table.ReadAll();
                (MembershipEntry row, string etag) = data.TryGet(entry.SiloAddress)!;
                done = await _table.UpdateRow(row, etag, data.Version.Next());
            }
            while (!done);
        })).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

        Assert.Equal(20, (await _table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task UpdateIAmAlive_WithTheAddressAlone_ChangesTheTimeAndNoEtag()
    {
        MembershipEntry entry = await InsertAsync(Entry());
        MembershipTableData before = await _table.ReadAll();

        await _table.UpdateIAmAlive(new MembershipEntry { SiloAddress = entry.SiloAddress, IAmAliveTime = s_now.AddSeconds(5) });

        MembershipTableData after = await _table.ReadAll();
        Assert.Equal(s_now.AddSeconds(5), after.Members[0].Item1.IAmAliveTime);
        Assert.Equal(entry.HostName, after.Members[0].Item1.HostName);
        Assert.Equal((before.Version, before.Members[0].Item2), (after.Version, after.Members[0].Item2));
    }

    [Fact]
    public async Task Cleanup_OldSilosOfEveryStatus_LeavesActiveAndYoungOnes()
    {
        MembershipEntry young = await InsertAsync(Entry(SiloStatus.Dead));
        foreach (SiloStatus status in Enum.GetValues<SiloStatus>())
        {
            MembershipEntry old = Entry(status);
            (old.StartTime, old.IAmAliveTime) = (s_now.AddDays(-10), s_now.AddDays(-10));
            await InsertAsync(old);
        }

        await _table.CleanupDefunctSiloEntries(new DateTimeOffset(s_now.AddDays(-7)).ToOffset(TimeSpan.FromHours(2)));

        MembershipTableData data = await _table.ReadAll();
        Assert.Equal(2, data.Members.Count);
        Assert.NotNull(data.TryGet(young.SiloAddress));
        Assert.Single(data.Members, m => m.Item1.Status == SiloStatus.Active);
    }

    [Fact]
    public async Task Clusters_InOneTable_DoNotSeeEachOther()
    {
        MembershipEntry entry = await InsertAsync(Entry(SiloStatus.Active));
        var other = new MembershipTable(Rows("two"));
        await other.InitializeMembershipTable(true);

        Assert.Empty((await other.ReadAll()).Members);
        Assert.True(await other.InsertRow(entry, (await other.ReadAll()).Version.Next()));
        await other.DeleteMembershipTableEntries("two");

        Assert.Empty((await other.ReadAll()).Members);
        Assert.Single((await _table.ReadAll()).Members);
    }

    [Fact]
    public async Task InsertRow_AtAnEtagOfBeforeTheTableWasDeleted_IsRefused()
    {
        TableVersion old = (await _table.ReadAll()).Version.Next();
        await _table.DeleteMembershipTableEntries("one");
        Assert.False(await _table.InsertRow(Entry(), old));

        await _table.InitializeMembershipTable(true);

        Assert.False(await _table.InsertRow(Entry(), old));
        Assert.Empty((await _table.ReadAll()).Members);
    }

    [Fact]
    public async Task Gateways_AreTheActiveSilosThatTakeClients()
    {
        MembershipEntry closed = Entry(SiloStatus.Active);
        closed.ProxyPort = 0;
        MembershipEntry open = await InsertAsync(Entry(SiloStatus.Active));
        await InsertAsync(closed);
        await InsertAsync(Entry(SiloStatus.Dead));
        await InsertAsync(Entry(SiloStatus.Joining));
        var list = new GatewayList(_rows, new StewardOrleansOptions());
        await list.InitializeGatewayListProvider();

        Uri gateway = Assert.Single(await list.GetGateways());

        Assert.Equal(SiloAddress.New(open.SiloAddress.Endpoint.Address, open.ProxyPort, open.SiloAddress.Generation).ToGatewayUri(), gateway);
    }

    [Fact]
    public async Task Initialize_WithoutTheStoresTables_SaysWhatIsMissing()
    {
        await _schema.ExecuteAsync($"DROP TABLE {_schema.Name}.silo, {_schema.Name}.cluster");

        StewardException e = await Assert.ThrowsAsync<StewardException>(() => new MembershipTable(_rows).InitializeMembershipTable(true));

        Assert.Contains($"'{_schema.Name}'", e.Message, StringComparison.Ordinal);
        Assert.Contains("Start this process again", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_ManyAtOnce_TakeFewConnections()
    {
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => _table.ReadAll()));

        Assert.InRange(await ConnectionsAsync(), 1, 4);
    }

    private protected abstract Task<ClusterSchema> CreateAsync();

    /// <summary>Connections of this table alone, as the server counts them.</summary>
    private protected virtual Task<long> ConnectionsAsync() =>
        _schema.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'steward-orleans' AND query LIKE '%\"{_schema.Name}\".%'");

    private SiloRows Rows(string cluster) => new(_schema.Store, new StewardOrleansOptions { ClusterId = cluster });

    private async Task<MembershipEntry> InsertAsync(MembershipEntry entry)
    {
        Assert.True(await _table.InsertRow(entry, (await _table.ReadAll()).Version.Next()));
        return entry;
    }

    private static MembershipEntry Entry(SiloStatus status = SiloStatus.Joining) => new()
    {
        SiloAddress = Address(),
        HostName = "host",
        SiloName = "silo",
        Status = status,
        ProxyPort = 30_000,
        StartTime = s_now,
        IAmAliveTime = s_now,
    };

    private static SiloAddress Address() => SiloAddress.New(IPAddress.Loopback, 12_345, Interlocked.Increment(ref s_generation));
}

/// <summary>Straight at the server.</summary>
public sealed class StraightMembershipTableTests : MembershipTableTests
{
    private protected override Task<ClusterSchema> CreateAsync() => ClusterSchema.CreateAsync();
}

/// <summary>Behind PgBouncer in transaction mode: each statement may be another session's.</summary>
public sealed class PooledMembershipTableTests : MembershipTableTests
{
    private protected override Task<ClusterSchema> CreateAsync()
    {
        PgBouncer pooler = Requirement.PgBouncer();
        return ClusterSchema.CreateAsync(change: o => o with { ConnectionString = pooler.ConnectionString, Pooled = true });
    }

    /// <summary>The server knows the pooler's sessions alone.</summary>
    private protected override Task<long> ConnectionsAsync() => Task.FromResult(1L);
}

/// <summary>Two hosts, of which the first is a standby.</summary>
public sealed class TwoHostsMembershipTableTests : MembershipTableTests
{
    private static readonly Lazy<(PostgresServer Primary, PostgresServer Standby)> s_servers = new(() =>
    {
        var primary = PostgresServer.StartOwn();
        return (primary, primary.StartStandby());
    });

    private protected override Task<ClusterSchema> CreateAsync()
    {
        Requirement.Postgres();
        return ClusterSchema.CreateAsync(s_servers.Value.Primary, o => o with { ConnectionString = PostgresServer.Hosts(s_servers.Value.Standby, s_servers.Value.Primary) });
    }
}
