namespace Steward.Models;

/// <summary>Names of counts that <c>UsageDetails.AdditionalCounts</c> carries.</summary>
public static class UsageKeys
{
    /// <summary>Input tokens that were written to the provider's prompt cache.</summary>
    public const string CacheWrite = "cache_write_tokens";
}
