using CsCheck;
using Steward.Journal;
using Steward.Models;

namespace Steward.Tests.Catalog;

public sealed class ModelCatalogTests
{
    private static readonly ModelInfo s_model = new("p", "m", 3m, 15m, 0.3m, 3.75m, 200_000, 64_000, "test", "2026-01-01");

    [Fact]
    public void Default_Entries_AreWholeAndSourced()
    {
        Assert.True(ModelCatalog.Default.Models.Count >= 40);
        Assert.Equal(["anthropic", "deepseek", "gemini", "openai"], ModelCatalog.Default.Models.Select(m => m.Provider).Distinct().Order());
        Assert.Equal(ModelCatalog.Default.Models.Count, ModelCatalog.Default.Models.Select(m => (m.Provider, m.Model)).Distinct().Count());
        Assert.All(ModelCatalog.Default.Models, m =>
        {
            Assert.StartsWith("https://", m.Source, StringComparison.Ordinal);
            Assert.True(DateOnly.ParseExact(m.Date, "yyyy-MM-dd") > new DateOnly(2026, 1, 1));
            Assert.True(m.InputPerMillion > 0 && m.OutputPerMillion > m.InputPerMillion);
            Assert.True((m.CacheReadPerMillion ?? 0) <= m.InputPerMillion);
            Assert.True(m.CacheWritePerMillion is null || m.CacheWritePerMillion > m.InputPerMillion);
            Assert.True(m.MaxOutput < m.ContextWindow);
            Assert.True(m.LongPrompt is null || m.LongPrompt.InputPerMillion > m.InputPerMillion);
        });
    }

    [Theory]
    [InlineData("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5")]
    [InlineData("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5")]
    [InlineData("anthropic", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5")]
    [InlineData("anthropic", "claude-haiku-4-5-latest", "claude-haiku-4-5")]
    [InlineData("Anthropic", "Claude-Opus-5", "claude-opus-5")]
    [InlineData("openai", "gpt-4o-2024-08-06", "gpt-4o")]
    [InlineData("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13")]
    [InlineData("openai", "openai/gpt-4.1-mini", "gpt-4.1-mini")]
    [InlineData("openai", "gpt-5.6", "gpt-5.6-sol")]
    [InlineData("deepseek", "deepseek-v4-flash", "deepseek-flash")]
    [InlineData("gemini", "models/gemini-2.5-pro", "gemini-2.5-pro")]
    [InlineData("gemini", "gemini-2.5-flash-001", "gemini-2.5-flash")]
    public void Find_KnownId_GivesItsEntry(string provider, string model, string expected) =>
        Assert.Equal(expected, ModelCatalog.Default.Find(provider, model)?.Model);

    [Theory]
    [InlineData("openai", "gpt-4o-audio-preview")]
    [InlineData("openai", "gpt-4o-audio-preview-2024-12-17")]
    [InlineData("openai", "gpt-99")]
    [InlineData("openai", "claude-opus-5")]
    [InlineData("openrouter", "openai/gpt-4o")]
    [InlineData("ollama", "llama3.3")]
    [InlineData("openai", "")]
    public void Find_UnknownId_GivesNothing(string provider, string model) => Assert.Null(ModelCatalog.Default.Find(provider, model));

    [Fact]
    public void With_Override_ReplacesOrAdds()
    {
        ModelInfo local = s_model with { Provider = "ollama", Model = "llama3.3", InputPerMillion = 0, OutputPerMillion = 0, CacheReadPerMillion = null, CacheWritePerMillion = null };
        ModelInfo cheaper = ModelCatalog.Default.Find("openai", "gpt-4o")! with { InputPerMillion = 1 };
        ModelCatalog catalog = ModelCatalog.Default.With(local, cheaper);

        Assert.Equal(0, ModelCatalog.Price(catalog.Find("ollama", "llama3.3")!, new TokenUsage(1000, 1000)));
        Assert.Equal(1, catalog.Find("openai", "gpt-4o-2024-11-20")!.InputPerMillion);
        Assert.Equal(2.5m, ModelCatalog.Default.Find("openai", "gpt-4o")!.InputPerMillion);
        Assert.Equal(ModelCatalog.Default.Models.Count + 1, catalog.Models.Count);
    }

    [Fact]
    public void With_NegativePrice_IsRefused() => Assert.Throws<ArgumentException>(() => ModelCatalog.Default.With(s_model with { OutputPerMillion = -1 }));

    [Fact]
    public void Price_CachedTokens_AreTakenOutOfTheInput()
    {
        // 1,000 of 10,000 uncached at 3, 8,000 read at 0.30, 1,000 written at 3.75, 500 out at 15
        Assert.Equal(0.003m + 0.0024m + 0.00375m + 0.0075m, ModelCatalog.Price(s_model, new TokenUsage(10_000, 500, 8_000, 1_000)));
    }

    [Fact]
    public void Price_NoCachePrices_AreThoseOfTheInput() =>
        Assert.Equal(0.03m, ModelCatalog.Price(s_model with { CacheReadPerMillion = null, CacheWritePerMillion = null }, new TokenUsage(10_000, 0, 8_000, 1_000)));

    [Fact]
    public void Price_Fraction_IsRoundedUp()
    {
        Assert.Equal(0.000000001m, ModelCatalog.Price(s_model with { InputPerMillion = 0.0001m }, new TokenUsage(1, 0)));
        Assert.Equal(0.000000006m, ModelCatalog.Price(s_model with { InputPerMillion = 0.0055m }, new TokenUsage(1, 0)));
    }

    [Fact]
    public void Price_LongPrompt_CostsMoreForEveryToken()
    {
        ModelInfo haiku = ModelCatalog.Default.Find("anthropic", "claude-haiku-5-5")!;

        Assert.Equal(0.01m + 0.0005m, ModelCatalog.Price(haiku, new TokenUsage(100_000, 1_000)));
        Assert.Equal((0.5m * 100_001 / 1_000_000) + 0.0025m, ModelCatalog.Price(haiku, new TokenUsage(100_001, 1_000)));
    }

    [Fact]
    public void Worst_Input_IsAtItsDearestPrice()
    {
        Assert.Equal(0.0375m + 0.015m, ModelCatalog.Worst(s_model, 10_000, 1_000));
        Assert.Equal(0.03m + 0.015m, ModelCatalog.Worst(s_model with { CacheWritePerMillion = null }, 10_000, 1_000));
    }

    [Fact]
    public void Worst_AnyUsageWithinIt_IsNeverExceeded()
    {
        Gen<(ModelInfo Model, long Input, long Output, long Read, long Write)> gen =
            from index in Gen.Int[0, ModelCatalog.Default.Models.Count - 1]
            from input in Gen.Long[0, 2_000_000]
            from output in Gen.Long[0, 128_000]
            from read in Gen.Long[0, input]
            from write in Gen.Long[0, input - read]
            select (ModelCatalog.Default.Models[index], input, output, read, write);

        gen.Sample(x => ModelCatalog.Price(x.Model, new TokenUsage(x.Input, x.Output, x.Read, x.Write)) <= ModelCatalog.Worst(x.Model, x.Input, x.Output));
    }
}
