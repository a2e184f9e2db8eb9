using System.Security.Claims;

namespace Steward.AspNetCore;

/// <summary>How the HTTP API behaves. Set it with <c>services.Configure&lt;StewardApiOptions&gt;(…)</c>.</summary>
public sealed class StewardApiOptions
{
    /// <summary>Largest body of a request, in bytes.</summary>
    /// <value>1 MiB.</value>
    public int MaxBodySize { get; set; } = 1024 * 1024;

    /// <summary>Largest attachment that <c>POST /v1/blobs</c> takes, in bytes; the store's own limit holds too.</summary>
    /// <value>32 MiB.</value>
    public int MaxBlobSize { get; set; } = 32 * 1024 * 1024;

    /// <summary>Longest that <c>?wait=</c> may be.</summary>
    /// <value>60 seconds.</value>
    public TimeSpan MaxWait { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>After how long without an event a stream sends a comment, so
    /// that nothing between here and the client takes it for dead.</summary>
    /// <value>15 seconds.</value>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Most streams and waiting requests at the same time in this process; further ones get 429.</summary>
    /// <value>1,000.</value>
    public int MaxStreams { get; set; } = 1_000;

    /// <summary>What one caller (a name within a tenant) may do.</summary>
    /// <value>200 streams; 60,000 requests and 6,000 writes in a minute.</value>
    public StewardApiLimits PerCaller { get; } = new() { Streams = 200, RequestsPerMinute = 60_000, WritesPerMinute = 6_000 };

    /// <summary>What all callers of one tenant may do together. Callers of all tenants have only their own limit.</summary>
    /// <value>500 streams; 300,000 requests and 30,000 writes in a minute.</value>
    public StewardApiLimits PerTenant { get; } = new() { Streams = 500, RequestsPerMinute = 300_000, WritesPerMinute = 30_000 };

    /// <summary>What a client is told to wait before it comes again, where only time
    /// helps: a full queue, a database that is away, a server that stops.</summary>
    /// <value>5 seconds.</value>
    public TimeSpan RetryAfter { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The role whose bearers may engage and release kill switches.</summary>
    /// <value><c>administrator</c>.</value>
    public string AdministratorRole { get; set; } = "administrator";

    /// <summary>Who an authenticated caller is to Steward; null for nobody, who is refused.</summary>
    /// <value><see cref="StewardCaller.FromClaims"/>: the identity's name, the claim <c>tenant</c>, and its roles.</value>
    public Func<ClaimsPrincipal, StewardCaller?> Caller { get; set; } = StewardCaller.FromClaims;

    /// <exception cref="InvalidOperationException">A value is out of its range.</exception>
    internal void Check()
    {
        Check(MaxBodySize is >= 1_024 and <= 1 << 30, nameof(MaxBodySize), MaxBodySize, "1,024 bytes to 1 GiB");
        Check(MaxBlobSize is >= 1_024 and <= 1 << 30, nameof(MaxBlobSize), MaxBlobSize, "1,024 bytes to 1 GiB");
        Check(MaxWait >= TimeSpan.Zero && MaxWait <= TimeSpan.FromHours(1), nameof(MaxWait), MaxWait, "0 to 1 hour");
        Check(
            Heartbeat >= TimeSpan.FromMilliseconds(10) && Heartbeat <= TimeSpan.FromHours(1),
            nameof(Heartbeat),
            Heartbeat,
            "10 milliseconds to 1 hour");
        Check(MaxStreams is >= 0 and <= 1_000_000, nameof(MaxStreams), MaxStreams, "0 to 1,000,000");
        PerCaller.Check(nameof(PerCaller));
        PerTenant.Check(nameof(PerTenant));
        Check(RetryAfter >= TimeSpan.Zero && RetryAfter <= TimeSpan.FromHours(1), nameof(RetryAfter), RetryAfter, "0 to 1 hour");
        Check(!string.IsNullOrWhiteSpace(AdministratorRole), nameof(AdministratorRole), AdministratorRole, "the name of a role");
        Check(Caller is not null, nameof(Caller), "null", "a function");
    }

    private static void Check<T>(bool isValid, string name, T value, string range)
    {
        if (!isValid)
            throw new InvalidOperationException($"StewardApiOptions.{name} is '{value}'; it must be {range}.");
    }
}
