namespace Steward.Diagnostics.Alerts;

/// <summary>How budget alerts are posted to the webhook.</summary>
public sealed record AlertDeliveryOptions
{
    /// <summary>How long the receiver may take to answer one attempt.</summary>
    /// <value>10 seconds.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Attempts after the first, when nothing answers or the answer is 408, 429 or 5xx; any other answer is final.</summary>
    /// <value>3.</value>
    public int Retries { get; init; } = 3;

    /// <summary>The first back-off; it doubles from try to try, with jitter.</summary>
    /// <value>1 second.</value>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest back-off.</summary>
    /// <value>30 seconds.</value>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most alerts that wait to be posted; when it is full, newer ones are dropped, and the log says how many.</summary>
    /// <value>1,024.</value>
    public int QueueLength { get; init; } = 1_024;

    /// <summary>How long a stopping process goes on posting what waits.</summary>
    /// <value>5 seconds.</value>
    public TimeSpan DrainGrace { get; init; } = TimeSpan.FromSeconds(5);
}
