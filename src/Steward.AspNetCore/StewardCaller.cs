using System.Security.Claims;

namespace Steward.AspNetCore;

/// <summary>Who calls: the name under which they decide and cancel, the tenant that is all they see, and their roles.</summary>
/// <param name="Name">The name that the journal keeps as the decider.</param>
/// <param name="Tenant">The one tenant whose runs there are for them; null for all tenants.</param>
/// <param name="Roles">Their roles: which approvals they may decide, and whether they administer.</param>
public sealed record StewardCaller(string Name, string? Tenant, IReadOnlyCollection<string> Roles)
{
    /// <summary>The type of the claim that names the tenant; its value <c>*</c> stands for all tenants.</summary>
    public const string TenantClaim = "tenant";

    /// <summary>Reads a caller from claims: the identity's name (or <c>sub</c>),
    /// <see cref="TenantClaim"/>, and the identity's roles.</summary>
    /// <returns>Null when there is no name or no tenant among them, or more than one tenant.</returns>
    public static StewardCaller? FromClaims(ClaimsPrincipal principal)
    {
        ArgumentNullException.ThrowIfNull(principal);
        string? name = principal.Identity?.Name ?? principal.FindFirstValue(ClaimTypes.NameIdentifier) ?? principal.FindFirstValue("sub");
        string[] tenants = [.. principal.FindAll(TenantClaim).Select(c => c.Value).Distinct(StringComparer.Ordinal)];
        if (string.IsNullOrWhiteSpace(name) || tenants is not [var tenant] || string.IsNullOrWhiteSpace(tenant))
            return null;
        string[] roles =
            [.. principal.Identities.SelectMany(i => i.FindAll(i.RoleClaimType)).Select(c => c.Value).Distinct(StringComparer.Ordinal)];
        return new StewardCaller(name, tenant == "*" ? null : tenant, roles);
    }
}
