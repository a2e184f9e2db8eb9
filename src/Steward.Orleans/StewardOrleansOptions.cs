using System.Net;
using Orleans.Hosting;

namespace Steward.Orleans;

/// <summary>How Orleans chooses the silo of a run.</summary>
public enum RunPlacement
{
    /// <summary>Any silo, all alike.</summary>
    Random,

    /// <summary>Of two silos drawn at random, the one with fewer activations.</summary>
    ActivationCount,
}

/// <summary>How this process belongs to a cluster.</summary>
public sealed class StewardOrleansOptions
{
    /// <summary>The cluster's name; silos and clients of one cluster share it.
    /// Several clusters may share a database under different ones.</summary>
    /// <value><c>steward</c>.</value>
    public string ClusterId { get; set; } = "steward";

    /// <summary>The address under which the other silos reach this one, and at which it listens.</summary>
    /// <value>Null: this machine's first address that is not a loopback one.</value>
    public IPAddress? Address { get; set; }

    /// <summary>The port for other silos.</summary>
    /// <value>11111.</value>
    public int SiloPort { get; set; } = 11_111;

    /// <summary>The port for clients; 0 for none.</summary>
    /// <value>30000.</value>
    public int GatewayPort { get; set; } = 30_000;

    /// <summary>How runs are spread over the silos.</summary>
    /// <value><see cref="RunPlacement.Random"/>. Orleans' own default prefers a
    /// silo that looks idle, and was seen to put all of a burst on one.</value>
    public RunPlacement Placement { get; set; } = RunPlacement.Random;

    /// <summary>How long a silo waits for the answer when it looks whether another one is alive; it looks as often.</summary>
    /// <value>1 second.</value>
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Answers that fail to come in a row before a silo is suspected.</summary>
    /// <value>3.</value>
    public int MissedProbes { get; set; } = 3;

    /// <summary>How often a silo reads the list of silos, and writes into it that it is alive.</summary>
    /// <value>5 seconds.</value>
    public TimeSpan MembershipRefresh { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a worker waits for Orleans to place a run before it works on that run itself.</summary>
    /// <value>2 seconds.</value>
    public TimeSpan PlacementTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a live follower of a run renews; after a takeover, it takes this long until the new silo sends.</summary>
    /// <value>2 seconds.</value>
    public TimeSpan FollowRenewal { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Updates that are kept for somebody who follows a run live and is
    /// slow; the oldest are dropped, and the follower is told how many.</summary>
    /// <value>256.</value>
    public int FollowQueue { get; set; } = 256;

    /// <summary>Further configuration of the silo, for example grains of your
    /// own, or Orleans' dashboard (<c>Steward.Orleans.Dashboard</c>).</summary>
    public Action<ISiloBuilder>? ConfigureSilo { get; set; }

    /// <exception cref="ArgumentException">A value is not usable.</exception>
    internal void Validate()
    {
        Check(nameof(ClusterId), ClusterId, !string.IsNullOrWhiteSpace(ClusterId), "a name");
        Check(nameof(SiloPort), SiloPort, SiloPort is >= 1 and <= 65_535, "1 to 65535");
        Check(
            nameof(GatewayPort),
            GatewayPort,
            GatewayPort is >= 0 and <= 65_535 && GatewayPort != SiloPort,
            "0 (none) to 65535, and not the silo's port");
        Check(nameof(ProbeTimeout), ProbeTimeout, IsWithin(ProbeTimeout, 0.1, 60), "0.1 to 60 seconds");
        Check(nameof(MissedProbes), MissedProbes, MissedProbes is >= 1 and <= 100, "1 to 100");
        Check(nameof(MembershipRefresh), MembershipRefresh, IsWithin(MembershipRefresh, 0.5, 300), "0.5 to 300 seconds");
        Check(nameof(PlacementTimeout), PlacementTimeout, IsWithin(PlacementTimeout, 0.1, 60), "0.1 to 60 seconds");
        Check(nameof(FollowRenewal), FollowRenewal, IsWithin(FollowRenewal, 0.1, 60), "0.1 to 60 seconds");
        Check(nameof(FollowQueue), FollowQueue, FollowQueue is >= 1 and <= 100_000, "1 to 100,000");
    }

    private static bool IsWithin(TimeSpan value, double least, double most) =>
        value >= TimeSpan.FromSeconds(least) && value <= TimeSpan.FromSeconds(most);

    private static void Check<T>(string name, T value, bool isValid, string range)
    {
        if (!isValid)
            throw new ArgumentException($"StewardOrleansOptions.{name} is '{value}'; it must be {range}.", name);
    }
}
