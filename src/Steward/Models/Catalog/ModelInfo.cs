namespace Steward.Models;

/// <summary>What a model costs and can take. Prices are in US dollars for a million tokens of text.</summary>
/// <param name="Provider">The name under which its <c>IChatClient</c> is registered, for example <c>anthropic</c>.</param>
/// <param name="Model">The model's id at the provider.</param>
/// <param name="InputPerMillion">Input that is not cached.</param>
/// <param name="OutputPerMillion">Output, reasoning included.</param>
/// <param name="CacheReadPerMillion">Input read from the cache; null when it costs what other input does.</param>
/// <param name="CacheWritePerMillion">Input written to the cache for the shortest
/// time that the provider offers; null when it costs what other input does.</param>
/// <param name="ContextWindow">Most tokens of input and output together.</param>
/// <param name="MaxOutput">Most tokens of output.</param>
/// <param name="Source">The public page that the numbers were taken from.</param>
/// <param name="Date">When they were read there: year, month and day, as in <c>2026-11-23</c>.</param>
public sealed record ModelInfo(
    string Provider,
    string Model,
    decimal InputPerMillion,
    decimal OutputPerMillion,
    decimal? CacheReadPerMillion,
    decimal? CacheWritePerMillion,
    int ContextWindow,
    int MaxOutput,
    string Source,
    string Date)
{
    /// <summary>The prices of a request with a long prompt, where the provider has others for those.</summary>
    public LongPromptPrices? LongPrompt { get; init; }

    /// <summary>Other ids of the same model at the same price.</summary>
    public IReadOnlyList<string> Aliases { get; init => field = value ?? []; } = [];

    /// <summary>The media types that the model reads besides text, such as <c>image/png</c>, <c>image/*</c> or
    /// <c>application/pdf</c>.</summary>
    /// <value>Null: whatever its client can send. Empty: text only.</value>
    public IReadOnlyList<string>? Accepts { get; init; }

    /// <summary>What must be known about these prices.</summary>
    public string? Note { get; init; }
}

/// <summary>Prices of every token of a request whose prompt, cached tokens included, is longer than a threshold.</summary>
/// <param name="Above">The threshold in tokens.</param>
/// <param name="InputPerMillion">Input that is not cached.</param>
/// <param name="OutputPerMillion">Output.</param>
/// <param name="CacheReadPerMillion">Input read from the cache; null when it costs what other input does.</param>
/// <param name="CacheWritePerMillion">Input written to the cache; null when it costs what other input does.</param>
public sealed record LongPromptPrices(
    long Above,
    decimal InputPerMillion,
    decimal OutputPerMillion,
    decimal? CacheReadPerMillion,
    decimal? CacheWritePerMillion);
