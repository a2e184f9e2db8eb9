using System.Globalization;
using Npgsql;
using Orleans.Runtime;
using Steward.Storage;

namespace Steward.Orleans.Membership;

/// <summary>The table of silos in the store's schema.</summary>
/// <remarks>
/// A cluster's version is compared and swapped by every change but the sign of life, so all changes of a cluster come one after
/// another. An etag is the number of the transaction that wrote a row: it never comes back, even after the rows were deleted.
/// Times are what the silos say; nothing is decided by them here: who holds a run is decided by leases, on the database's clock.
/// </remarks>
internal sealed class SiloRows
{
    /// <summary>Connections for a silo, apart from the store's: a list of silos must not wait for appends.</summary>
    private const int MostConnections = 4;

    private const string Columns =
        "s.silo, s.etag, s.status, s.name, s.host, s.role, s.gateway_port, s.update_zone, s.fault_zone, s.started_at, s.alive_at, s.suspected_by, s.suspected_at";

    private readonly NpgsqlDataSource _source;
    private readonly string _schema;
    private readonly string _cluster;

    /// <exception cref="StewardException">The store is not a PostgreSQL one.</exception>
    public SiloRows(IStewardStore store, StewardOrleansOptions options)
    {
        if (store.GetService<IDatabaseStore>() is not { } database
            || database.OpenBeside("steward-orleans", MostConnections) is not NpgsqlDataSource source)
            throw new StewardException(
                $"The store {store.GetType().Name} cannot keep the list of silos, which Orleans needs. Use the PostgreSQL store (UsePostgres).");
        _source = source;
        _schema = database.Schema;
        _cluster = options.ClusterId;
    }

    /// <exception cref="StewardException">The table is not there.</exception>
    public async Task StartAsync(bool create)
    {
        try
        {
            await ExecuteAsync(
                create
                    ? "INSERT INTO steward.cluster (cluster, version, etag) VALUES ($1, 0, txid_current()) ON CONFLICT DO NOTHING"
                    : "SELECT 1 FROM steward.cluster WHERE cluster = $1",
                _cluster);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            throw new StewardException(
                $"The schema '{_schema}' has no table of silos, although the store made it when it was opened. Was it dropped, or was a backup of an older version restored? Start this process again.",
                e);
        }
    }

    public Task DeleteAsync(string cluster) =>
        ExecuteAsync("WITH gone AS (DELETE FROM steward.silo WHERE cluster = $1) DELETE FROM steward.cluster WHERE cluster = $1", cluster);

    /// <summary>Deletes silos that are not active and were last heard of before a time.</summary>
    public Task CleanAsync(DateTimeOffset before) =>
        ExecuteAsync(
            "DELETE FROM steward.silo WHERE cluster = $1 AND status <> $2 AND greatest(alive_at, started_at) < $3",
            _cluster,
            nameof(SiloStatus.Active),
            before.ToUniversalTime());

    /// <summary>The cluster's version and its silos, or the one that is asked for, as they were at one moment.</summary>
    public async Task<MembershipTableData> ReadAsync(SiloAddress? only)
    {
        await using NpgsqlCommand command = Command(
            $"SELECT c.version, c.etag, {Columns} FROM steward.cluster c LEFT JOIN steward.silo s ON s.cluster = c.cluster AND ($2::text IS NULL OR s.silo = $2) WHERE c.cluster = $1",
            _cluster, only?.ToParsableString());
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        var version = new TableVersion(0, "0");
        List<Tuple<MembershipEntry, string>> members = [];
        while (await reader.ReadAsync())
        {
            version = new TableVersion(reader.GetInt32(0), Etag(reader.GetInt64(1)));
            if (!reader.IsDBNull(2))
                members.Add(Tuple.Create(Entry(reader), Etag(reader.GetInt64(3))));
        }

        return new MembershipTableData(members, version);
    }

    public async Task<bool> InsertAsync(MembershipEntry entry, TableVersion version) => await ExecuteAsync(
        """
        WITH version AS (
            UPDATE steward.cluster SET version = $3, etag = txid_current()
            WHERE cluster = $1 AND etag = $4 AND NOT EXISTS (SELECT 1 FROM steward.silo s WHERE s.cluster = $1 AND s.silo = $2) RETURNING etag)
        INSERT INTO steward.silo (cluster, silo, etag, status, name, host, role, gateway_port, update_zone, fault_zone, started_at, alive_at, suspected_by, suspected_at)
        SELECT $1, $2, version.etag, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 FROM version
        """,
        [_cluster, entry.SiloAddress.ToParsableString(), version.Version, Etag(version.VersionEtag), .. Values(entry)]) == 1;

    public async Task<bool> UpdateAsync(MembershipEntry entry, string etag, TableVersion version) => await ExecuteAsync(
        """
        WITH version AS (
            UPDATE steward.cluster SET version = $3, etag = txid_current()
            WHERE cluster = $1 AND etag = $4 AND EXISTS (SELECT 1 FROM steward.silo s WHERE s.cluster = $1 AND s.silo = $2 AND s.etag = $16) RETURNING etag)
        UPDATE steward.silo s SET etag = version.etag, status = $5, name = $6, host = $7, role = $8, gateway_port = $9, update_zone = $10, fault_zone = $11,
            started_at = $12, alive_at = $13, suspected_by = $14, suspected_at = $15
        FROM version WHERE s.cluster = $1 AND s.silo = $2 AND s.etag = $16
        """,
        [_cluster, entry.SiloAddress.ToParsableString(), version.Version, Etag(version.VersionEtag), .. Values(entry), Etag(etag)]) == 1;

    /// <summary>A silo's sign of life; leaves versions and etags as they are.</summary>
    public Task SignAsync(MembershipEntry entry) =>
        ExecuteAsync(
            "UPDATE steward.silo SET alive_at = $3 WHERE cluster = $1 AND silo = $2",
            _cluster,
            entry.SiloAddress.ToParsableString(),
            Utc(entry.IAmAliveTime));

    /// <summary>Active silos that take clients, at the ports for these.</summary>
    public async Task<IList<Uri>> GatewaysAsync()
    {
        await using NpgsqlCommand command = Command(
            "SELECT silo, gateway_port FROM steward.silo WHERE cluster = $1 AND status = $2 AND gateway_port > 0",
            _cluster,
            nameof(SiloStatus.Active));
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        List<Uri> gateways = [];
        while (await reader.ReadAsync())
        {
            var silo = SiloAddress.FromParsableString(reader.GetString(0));
            gateways.Add(SiloAddress.New(silo.Endpoint.Address, reader.GetInt32(1), silo.Generation).ToGatewayUri());
        }

        return gateways;
    }

    private async Task<int> ExecuteAsync(string sql, params object?[] values)
    {
        await using NpgsqlCommand command = Command(sql, values);
        return await command.ExecuteNonQueryAsync();
    }

    private NpgsqlCommand Command(string sql, params object?[] values)
    {
        NpgsqlCommand command = _source.CreateCommand(sql.Replace("steward.", $"\"{_schema}\".", StringComparison.Ordinal));
        foreach (object? value in values)
            command.Parameters.Add(
                value is null ? new NpgsqlParameter { Value = DBNull.Value,
                    NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text } : new NpgsqlParameter { Value = value });
        return command;
    }

    private static object?[] Values(MembershipEntry entry) =>
    [
        entry.Status.ToString(), entry.SiloName ?? "", entry.HostName ?? "", entry.RoleName, entry.ProxyPort, entry.UpdateZone,
        entry.FaultZone, Utc(entry.StartTime), Utc(entry.IAmAliveTime),
        (entry.SuspectTimes ?? []).Select(s => s.Item1.ToParsableString()).ToArray(),
        (entry.SuspectTimes ?? []).Select(s => Utc(s.Item2)).ToArray(),
    ];

    private static MembershipEntry Entry(NpgsqlDataReader r) => new()
    {
        SiloAddress = SiloAddress.FromParsableString(r.GetString(2)),
        Status = Enum.Parse<SiloStatus>(r.GetString(4)),
        SiloName = r.GetString(5),
        HostName = r.GetString(6),
        RoleName = r.IsDBNull(7) ? null : r.GetString(7),
        ProxyPort = r.GetInt32(8),
        UpdateZone = r.GetInt32(9),
        FaultZone = r.GetInt32(10),
        StartTime = r.GetDateTime(11),
        IAmAliveTime = r.GetDateTime(12),
        SuspectTimes =
            [.. r.GetFieldValue<string[]>(13)
                .Zip(r.GetFieldValue<DateTime[]>(14), static (silo, at) => Tuple.Create(SiloAddress.FromParsableString(silo), at))],
    };

    private static string Etag(long etag) => etag.ToString(CultureInfo.InvariantCulture);

    /// <summary>An etag that is none of ours matches nothing.</summary>
    private static long Etag(string? etag) =>
        long.TryParse(etag, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : -1;

    /// <summary>Orleans' times are UTC, whatever their kind says; a time that was never set has to fit into the database's range.</summary>
    private static DateTime Utc(DateTime time) => DateTime.SpecifyKind(time, DateTimeKind.Utc);
}
