using Microsoft.AspNetCore.Authentication;

namespace Steward.AspNetCore;

/// <summary>The keys that callers may bear.</summary>
public sealed class StewardApiKeyOptions : AuthenticationSchemeOptions
{
    /// <summary>The keys.</summary>
    /// <value>None: nobody is let in.</value>
    public IList<StewardApiKey> Keys { get; } = [];

    /// <summary>Asked for the keys at each request, in place of <see cref="Keys"/>, so that they can change while the server runs; null for
    /// those. It must answer quickly and from any thread.</summary>
    /// <value>Null.</value>
    public Func<IReadOnlyList<StewardApiKey>>? KeySource { get; set; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        foreach (StewardApiKey key in Keys)
        {
            if (string.IsNullOrWhiteSpace(key.Name)
                || key.Sha256.Length != 32
                || key.Tenant is { } tenant && string.IsNullOrWhiteSpace(tenant))
                throw new InvalidOperationException(
                    $"The API key '{key.Name}' needs a name, a tenant that is not empty (or null for all), and a hash of 32 bytes.");
        }

        if (Keys.GroupBy(k => k.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InvalidOperationException($"There are two API keys named '{twice.Key}'. A name says who decided: give each its own.");
        if (Keys.GroupBy(k => Convert.ToHexString(k.Sha256.Span), StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw new InvalidOperationException(
                $"The API keys {string.Join(" and ", same.Select(k => $"'{k.Name}'"))} are the same key. Make another one.");
    }
}
