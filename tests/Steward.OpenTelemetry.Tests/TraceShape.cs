namespace Steward.OpenTelemetry.Tests;

/// <summary>What every finished trace must be.</summary>
internal static class TraceShape
{
    /// <summary>One trace, one root, no orphan, no id twice, times inside the parent's.</summary>
    /// <returns>The root.</returns>
    public static OtlpSpan Check(IReadOnlyList<OtlpSpan> spans)
    {
        Assert.Single(spans.Select(s => s.Trace).Distinct());
        Assert.Equal(spans.Count, spans.Select(s => s.Id).Distinct().Count());
        OtlpSpan root = Assert.Single(spans, s => s.Parent.Length == 0 || s.Parent == "0000000000000000");
        Dictionary<string, OtlpSpan> byId = spans.ToDictionary(s => s.Id);
        Assert.All(spans.Where(s => s != root), span =>
        {
            Assert.True(byId.TryGetValue(span.Parent, out OtlpSpan? parent), $"'{span.Name}' has no parent.");
            // The journal's times are whole milliseconds.
            Assert.True(span.Start >= parent!.Start - 1_000_000 && span.End <= parent.End + 1_000_000, $"'{span.Name}' is not within '{parent.Name}'.");
            Assert.True(span.End >= span.Start);
        });
        return root;
    }
}
