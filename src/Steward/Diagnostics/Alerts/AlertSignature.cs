using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Steward.Diagnostics.Alerts;

/// <summary>Proves to a receiver who sent a body, and when: <c>t=UNIX_SECONDS,v1=HEX</c>, as Stripe's header does.</summary>
/// <remarks>The time is signed with the body, so that a receiver can refuse what somebody recorded and sends again later.</remarks>
internal static class AlertSignature
{
    public const string Header = "Steward-Signature";

    public static string Create(string secret, DateTimeOffset time, ReadOnlySpan<byte> body)
    {
        string at = time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        byte[] signed = [.. Encoding.ASCII.GetBytes(at), (byte)'.', .. body];
        byte[] hash = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed);
        return $"t={at},v1={Convert.ToHexStringLower(hash)}";
    }
}
