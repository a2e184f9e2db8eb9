using Orleans;
using Orleans.Runtime;

namespace Steward.Orleans.Membership;

/// <summary>Orleans' list of silos in the store's database.</summary>
internal sealed class MembershipTable(SiloRows rows) : IMembershipTable
{
    public Task InitializeMembershipTable(bool tryInitTableVersion) => rows.StartAsync(tryInitTableVersion);

    public Task DeleteMembershipTableEntries(string clusterId) => rows.DeleteAsync(clusterId);

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => rows.CleanAsync(beforeDate);

    public Task<MembershipTableData> ReadRow(SiloAddress key) => rows.ReadAsync(key);

    public Task<MembershipTableData> ReadAll() => rows.ReadAsync(only: null);

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => rows.InsertAsync(entry, tableVersion);

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) =>
        rows.UpdateAsync(entry, etag, tableVersion);

    public Task UpdateIAmAlive(MembershipEntry entry) => rows.SignAsync(entry);
}
