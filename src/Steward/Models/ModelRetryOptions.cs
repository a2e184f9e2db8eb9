namespace Steward.Models;

/// <summary>How failed model calls are tried again.</summary>
public sealed record ModelRetryOptions
{
    /// <summary>The first back-off; it doubles from try to try, with jitter.</summary>
    /// <value>1 second; 0 to 1 day.</value>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest back-off.</summary>
    /// <value>30 seconds; 0 to 1 day.</value>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest <c>Retry-After</c> that is waited for; beyond it the next model of the route is asked.</summary>
    /// <value>60 seconds; 0 to 1 day.</value>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Calls within the window before a circuit can open.</summary>
    /// <value>20; 2 or more.</value>
    public int BreakerThroughput { get; init; } = 20;

    /// <summary>The window over which failures are counted.</summary>
    /// <value>30 seconds; half a second to 1 day.</value>
    public TimeSpan BreakerWindow { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest that a circuit stays open: at first for <see cref="Delay"/>, and twice as long after each probe that
    /// failed.</summary>
    /// <value>15 seconds; half a second to 1 day.</value>
    public TimeSpan BreakerOpen { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a model is left alone after it refused the key, or said that the account has no credit.</summary>
    /// <value>10 minutes; 0 to 1 day. At 0 the next run asks it again.</value>
    public TimeSpan RefusedOpen { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Checks that each option is in its range.</summary>
    /// <exception cref="ArgumentException">One is not; the message names it.</exception>
    internal void Check()
    {
        TimeSpan day = TimeSpan.FromDays(1);
        TimeSpan half = TimeSpan.FromSeconds(0.5);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.Delay", Delay, TimeSpan.Zero, day);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.MaxDelay", MaxDelay, TimeSpan.Zero, day);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.MaxRetryAfter", MaxRetryAfter, TimeSpan.Zero, day);
        OptionRange.Check<int>("ModelRetryOptions.BreakerThroughput", BreakerThroughput, 2, int.MaxValue);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.BreakerWindow", BreakerWindow, half, day);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.BreakerOpen", BreakerOpen, half, day);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.RefusedOpen", RefusedOpen, TimeSpan.Zero, day);
    }
}
