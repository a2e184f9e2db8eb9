namespace Steward.ClusterBench;

/// <summary>The machine's clock, which nodes, ledger and server share.</summary>
internal static class Clock
{
    /// <summary>Microseconds since 1970.</summary>
    public static long Now => (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
