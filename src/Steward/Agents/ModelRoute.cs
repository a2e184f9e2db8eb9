namespace Steward.Agents;

/// <summary>The models of a role, in the order in which they are tried.</summary>
/// <param name="Targets">At least one.</param>
public sealed record ModelRoute(IReadOnlyList<ModelTarget> Targets);

/// <summary>A model at a provider, and how to call it.</summary>
/// <param name="Provider">The name under which its <c>IChatClient</c> is registered, for example <c>anthropic</c>.</param>
/// <param name="Model">The model's id at the provider.</param>
public sealed record ModelTarget(string Provider, string Model)
{
    /// <summary>Most output tokens of a call; shrinks when the budget leaves less.</summary>
    /// <value>The model's own maximum in the catalogue, but 8,192 at most; 1 to 10,000,000.</value>
    public int? MaxOutput { get; init; }

    /// <summary>The sampling temperature, 0 to 2; null leaves it to the provider.</summary>
    public float? Temperature { get; init; }

    /// <summary>Whether the answer is streamed.</summary>
    /// <value>True.</value>
    public bool Stream { get; init; } = true;

    /// <summary>How long an answer may take.</summary>
    /// <value>10 minutes; 1 millisecond to 1 day.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Retries on this model before the next one of the route is tried.</summary>
    /// <value>2; 0 to 100.</value>
    public int Retries { get; init; } = 2;

    /// <summary>Checks that each option is in its range.</summary>
    /// <exception cref="ArgumentException">One is not; the message names it.</exception>
    internal void Check()
    {
        OptionRange.Check<int>("ModelTarget.MaxOutput", MaxOutput, 1, 10_000_000);
        OptionRange.Check<float>("ModelTarget.Temperature", Temperature, 0, 2);
        OptionRange.Check<TimeSpan>("ModelTarget.Timeout", Timeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1));
        OptionRange.Check<int>("ModelTarget.Retries", Retries, 0, 100);
    }
}
