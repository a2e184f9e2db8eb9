using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Steward.Journal;

namespace Steward.Models;

/// <summary>What models cost and can take. Immutable.</summary>
/// <remarks>
/// A model that is not in it has no price, and the runtime does not call it. Declare it with <see cref="With"/>, at 0 for a model
/// of your own machine. Where a provider has several prices
/// (peak hours, an offer that ends), the catalogue has the dearest, so that a ceiling holds.
/// </remarks>
public sealed partial class ModelCatalog
{
    private static readonly Lazy<ModelCatalog> s_default = new(Load);
    private readonly FrozenDictionary<(string Provider, string Model), ModelInfo> _byId;

    private ModelCatalog(IEnumerable<ModelInfo> models)
    {
        var byId = new Dictionary<(string, string), ModelInfo>();
        Models = [.. models];
        foreach (ModelInfo model in Models)
        {
            Check(model);
            byId[Key(model.Provider, model.Model)] = model;
        }

        foreach (ModelInfo model in Models)
        {
            foreach (string alias in model.Aliases)
                byId.TryAdd(Key(model.Provider, alias), model);
        }

        _byId = byId.ToFrozenDictionary();
    }

    /// <summary>The catalogue that comes with Steward; each entry names its source and its date.</summary>
    public static ModelCatalog Default => s_default.Value;

    /// <summary>A catalogue with nothing in it.</summary>
    public static ModelCatalog Empty { get; } = new([]);

    /// <summary>Its entries.</summary>
    public IReadOnlyList<ModelInfo> Models { get; }

    /// <summary>The entry of a model, or null: its price is not known, and it must not be called.</summary>
    /// <remarks>
    /// The id itself first; then without <c>models/</c> or the provider's name before it. Last, without <c>-latest</c>, a date
    /// (<c>-20250929</c>, <c>@20250929</c>, <c>-2024-08-06</c>) or a version <c>-001</c> after it.
    /// Nothing is guessed from a beginning: <c>gpt-4o-audio</c> is not <c>gpt-4o</c>.
    /// </remarks>
    public ModelInfo? Find(string provider, string model)
    {
        ArgumentNullException.ThrowIfNull(provider);
        ArgumentNullException.ThrowIfNull(model);
        if (TryFind(provider, model, out ModelInfo? info))
            return info;
        string bare = Bare(provider, model);
        if (TryFind(provider, bare, out info))
            return info;
        string family = Suffix().Replace(bare, "");
        return TryFind(provider, family, out info) ? info : null;
    }

    /// <summary>A catalogue with these entries in the place of those of the same provider and model, or beside them.</summary>
    /// <exception cref="ArgumentException">An entry has a negative price or no window.</exception>
    public ModelCatalog With(params IReadOnlyList<ModelInfo> overrides)
    {
        ArgumentNullException.ThrowIfNull(overrides);
        HashSet<(string, string)> replaced = [.. overrides.Select(o => Key(o.Provider, o.Model))];
        return new ModelCatalog([.. overrides, .. Models.Where(m => !replaced.Contains(Key(m.Provider, m.Model)))]);
    }

    /// <summary>What a call cost, in US dollars, rounded up to a billionth.</summary>
    public static decimal Price(ModelInfo model, TokenUsage usage)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(usage);
        long read = Math.Max(0, usage.CacheRead);
        long write = Math.Max(0, usage.CacheWrite);
        long uncached = Math.Max(0, usage.Input - read - write);
        LongPromptPrices prices = PricesOf(model, Math.Max(usage.Input, read + write));
        return RoundUp(
            (uncached * prices.InputPerMillion)
            + (read * (prices.CacheReadPerMillion ?? prices.InputPerMillion))
            + (write * (prices.CacheWritePerMillion ?? prices.InputPerMillion))
            + (Math.Max(0, usage.Output) * prices.OutputPerMillion));
    }

    /// <summary>What a call can cost at most, in US dollars: the input at the dearest of its prices, the output to its maximum.</summary>
    public static decimal Worst(ModelInfo model, long inputTokens, long maxOutput)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfNegative(inputTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(maxOutput);
        return RoundUp(Math.Max(Sum(PricesOf(model, 0)), Sum(PricesOf(model, inputTokens))));

        decimal Sum(LongPromptPrices prices)
        {
            decimal dearest = Math.Max(prices.InputPerMillion, Math.Max(prices.CacheReadPerMillion ?? 0, prices.CacheWritePerMillion ?? 0));
            return (inputTokens * dearest) + (maxOutput * prices.OutputPerMillion);
        }
    }

    private static LongPromptPrices PricesOf(ModelInfo model, long prompt) => model.LongPrompt is { } prices && prompt > prices.Above
        ? prices
        : new LongPromptPrices(0, model.InputPerMillion, model.OutputPerMillion, model.CacheReadPerMillion, model.CacheWritePerMillion);

    private static decimal RoundUp(decimal dollarMillionths) => decimal.Ceiling(dollarMillionths * 1_000m) / 1_000_000_000m;

    private bool TryFind(string provider, string model, [NotNullWhen(true)] out ModelInfo? info) =>
        _byId.TryGetValue(Key(provider, model), out info);

    private static string Bare(string provider, string model)
    {
        if (model.StartsWith("models/", StringComparison.OrdinalIgnoreCase))
            return model["models/".Length..];
        return model.StartsWith(provider + "/", StringComparison.OrdinalIgnoreCase) ? model[(provider.Length + 1)..] : model;
    }

    private static (string Provider, string Model) Key(string provider, string model) =>
        (provider.ToLowerInvariant(), model.ToLowerInvariant());

    private static void Check(ModelInfo model)
    {
        if (string.IsNullOrWhiteSpace(model.Provider) || string.IsNullOrWhiteSpace(model.Model))
            throw new ArgumentException($"An entry of the catalogue has no provider or no model: {model}.");
        decimal?[] prices =
        [
            model.InputPerMillion, model.OutputPerMillion, model.CacheReadPerMillion, model.CacheWritePerMillion,
            model.LongPrompt?.InputPerMillion, model.LongPrompt?.OutputPerMillion, model.LongPrompt?.CacheReadPerMillion,
            model.LongPrompt?.CacheWritePerMillion,
        ];
        if (prices.Any(p => p < 0) || model.ContextWindow < 1 || model.MaxOutput < 1)
            throw new ArgumentException(
                $"The entry of '{model.Provider}/{model.Model}' needs prices of 0 or more, a context window and a maximum output.");
    }

    private static ModelCatalog Load()
    {
        using Stream stream = typeof(ModelCatalog).Assembly.GetManifestResourceStream("Steward.Models.Catalog.catalog.json")
            ?? throw new InvalidOperationException("The assembly lacks its model catalogue.");
        return new ModelCatalog(JsonSerializer.Deserialize(stream, ModelCatalogJson.Default.ListModelInfo)!);
    }

    [GeneratedRegex("(-latest|[-@][0-9]{8}|-[0-9]{4}-[0-9]{2}-[0-9]{2}|-[0-9]{3})$", RegexOptions.CultureInvariant)]
    private static partial Regex Suffix();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(List<ModelInfo>))]
internal sealed partial class ModelCatalogJson : JsonSerializerContext;
