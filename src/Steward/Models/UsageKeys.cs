namespace Steward.Models;

/// <summary>Names of the counts in <c>UsageDetails.AdditionalCounts</c> that Steward prices.</summary>
public static class UsageKeys
{
    /// <summary>Input tokens that the provider wrote to its prompt cache; they are part of <c>InputTokenCount</c>.</summary>
    public const string CacheWrite = "cache_write_tokens";
}
