namespace Steward.AspNetCore;

/// <summary>What one caller, or all callers of one tenant, may do in this process.</summary>
/// <remarks>More is answered with 429 and <c>Retry-After</c>.</remarks>
public sealed class StewardApiLimits
{
    /// <summary>Most streams and waiting requests at the same time.</summary>
    public int Streams { get; set; }

    /// <summary>Most requests in a minute. Cancels, decisions and kill switches are counted apart, up to as many again.</summary>
    public int RequestsPerMinute { get; set; }

    /// <summary>Most requests in a minute that add something: runs, messages, signals, feedback.</summary>
    public int WritesPerMinute { get; set; }

    /// <exception cref="InvalidOperationException">A value is out of its range.</exception>
    internal void Check(string name)
    {
        Check(Streams, name, nameof(Streams), 0);
        Check(RequestsPerMinute, name, nameof(RequestsPerMinute), 1);
        Check(WritesPerMinute, name, nameof(WritesPerMinute), 1);
    }

    private static void Check(int value, string name, string limit, int least)
    {
        if (value < least || value > 100_000_000)
            throw new InvalidOperationException($"StewardApiOptions.{name}.{limit} is '{value}'; it must be {least} to 100,000,000.");
    }
}
