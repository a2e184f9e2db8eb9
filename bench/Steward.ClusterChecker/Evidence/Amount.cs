using System.Text.Json;

namespace Steward.ClusterChecker.Evidence;

/// <summary>What something uses of a budget, or a ceiling without those of its metrics that are null.</summary>
internal readonly record struct Amount(decimal Models, decimal Tools, decimal Tokens, decimal Usd)
{
    public static Amount operator +(Amount a, Amount b) => new(a.Models + b.Models, a.Tools + b.Tools, a.Tokens + b.Tokens, a.Usd + b.Usd);

    public static Amount operator -(Amount a, Amount b) => new(a.Models - b.Models, a.Tools - b.Tools, a.Tokens - b.Tokens, a.Usd - b.Usd);

    /// <summary>An amount as events carry it: a metric that is zero is left out.</summary>
    public static Amount Read(JsonElement payload, string property) =>
        payload.TryGetProperty(property, out JsonElement amount)
            ? new(Of(amount, "models"), Of(amount, "tools"), Of(amount, "tokens"), Of(amount, "usd"))
            : default;

    public override string ToString() => $"{Models} model calls, {Tools} tool calls, {Tokens} tokens, ${Usd}";

    private static decimal Of(JsonElement amount, string name) => amount.TryGetProperty(name, out JsonElement value) ? value.GetDecimal() : 0;
}

/// <summary>The ceilings of a scope; null where there is none.</summary>
internal readonly record struct Ceilings(decimal? Models, decimal? Tools, decimal? Tokens, decimal? Usd)
{
    /// <summary>The first metric whose amount is over its limit.</summary>
    public string? BrokenBy(Amount used) =>
        used.Models > Models ? $"{used.Models} model calls of {Models}"
        : used.Tools > Tools ? $"{used.Tools} tool calls of {Tools}"
        : used.Tokens > Tokens ? $"{used.Tokens} tokens of {Tokens}"
        : used.Usd > Usd ? $"${used.Usd} of ${Usd}"
        : null;
}
