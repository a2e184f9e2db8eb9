using Microsoft.AspNetCore.Authentication;

namespace Steward.AspNetCore;

/// <summary>API keys as a way to authenticate.</summary>
public static class StewardApiKeyExtensions
{
    /// <summary>The name of the scheme.</summary>
    public const string Scheme = "StewardApiKey";

    /// <summary>Lets callers in that send <c>Authorization: Bearer KEY</c> with one of the keys.</summary>
    public static AuthenticationBuilder AddStewardApiKeys(this AuthenticationBuilder builder, Action<StewardApiKeyOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        return builder.AddScheme<StewardApiKeyOptions, ApiKeyHandler>(Scheme, configure);
    }
}
