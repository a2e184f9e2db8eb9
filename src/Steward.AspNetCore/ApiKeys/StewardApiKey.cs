using System.Security.Cryptography;
using System.Text;

namespace Steward.AspNetCore;

/// <summary>An API key as the server knows it: not the key, but its SHA-256, and whose it is.</summary>
/// <param name="Name">Whose key it is; the name under which its bearer decides and cancels.</param>
/// <param name="Tenant">The one tenant that its bearer sees; null for all.</param>
/// <param name="Roles">The roles that its bearer has.</param>
/// <param name="Sha256">SHA-256 of the key's UTF-8 text, 32 bytes. A hash without salt is
/// safe only for keys that nobody can guess: make them with <see cref="Generate"/>.</param>
public sealed record StewardApiKey(string Name, string? Tenant, IReadOnlyList<string> Roles, ReadOnlyMemory<byte> Sha256)
{
    private const int Entropy = 32;

    /// <summary>From when on the key is none any more; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Makes a key of 256 random bits, to be given to its bearer and kept nowhere else.</summary>
    public static string Generate() => $"stw_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Entropy))}";

    /// <summary>What the server keeps of a key.</summary>
    public static byte[] Hash(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        return SHA256.HashData(Encoding.UTF8.GetBytes(key));
    }
}
