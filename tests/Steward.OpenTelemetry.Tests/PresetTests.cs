using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Steward.Diagnostics.Tracing;
using Steward.OpenTelemetry.Presets;

namespace Steward.OpenTelemetry.Tests;

/// <summary>What each back end is sent, and how.</summary>
public sealed class PresetTests
{
    [Theory]
    [InlineData("otlp", "http://localhost:4318/v1/traces", "")]
    [InlineData("langfuse", "https://cloud.langfuse.com/api/public/otel/v1/traces", "Authorization=Basic S0VZOktFWQ== x-langfuse-ingestion-version=4")]
    [InlineData("phoenix", "http://localhost:6006/v1/traces", "authorization=Bearer KEY")]
    [InlineData("langsmith", "https://api.smith.langchain.com/otel/v1/traces", "x-api-key=KEY")]
    [InlineData("helicone", "https://api.helicone.ai/v1/trace/log", "Authorization=Bearer KEY")]
    [InlineData("honeycomb", "https://api.honeycomb.io/v1/traces", "x-honeycomb-team=KEY")]
    [InlineData("datadog", "https://otlp.datadoghq.com/v1/traces", "dd-api-key=KEY dd-otlp-source=llmobs")]
    [InlineData("aspire", "http://localhost:18890/v1/traces", "x-otlp-api-key=KEY")]
    public void Preset_KeysInTheEnvironment_HasEndpointAndHeaders(string preset, string endpoint, string headers)
    {
        TelemetryTarget target = TelemetryPresets.Resolve(preset, new TelemetryOptions(), name => name.EndsWith("KEY", StringComparison.Ordinal) ? "KEY" : null);

        Assert.Equal(endpoint, target.Endpoint.AbsoluteUri);
        Assert.Equal(headers, string.Join(' ', target.Headers.Select(h => $"{h.Key}={h.Value}")));
    }

    [Theory]
    [InlineData("langfuse", "LANGFUSE_PUBLIC_KEY")]
    [InlineData("langsmith", "LANGSMITH_API_KEY")]
    [InlineData("helicone", "HELICONE_API_KEY")]
    [InlineData("honeycomb", "HONEYCOMB_API_KEY")]
    [InlineData("datadog", "DD_API_KEY")]
    public void Preset_NoKey_SaysWhichVariable(string preset, string variable) => Assert.Contains(
        variable,
        Assert.Throws<ArgumentException>(() => TelemetryPresets.Resolve(preset, new TelemetryOptions(), _ => null)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Preset_Unknown_SaysWhichThereAre() => Assert.Contains(
        "langfuse", Assert.Throws<ArgumentException>(() => TelemetryPresets.Resolve("langfuze", new TelemetryOptions(), _ => null)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("langfuse", "langfuse.observation.type", "generation")]
    [InlineData("phoenix", "openinference.span.kind", "LLM")]
    [InlineData("langsmith", "langsmith.span.kind", "llm")]
    public async Task Preset_Span_BearsWhatTheBackEndReads(string preset, string attribute, string value)
    {
        await using OtlpReceiver receiver = await OtlpReceiver.StartAsync();
        using (TraceExport export = Export(preset, receiver))
            Assert.True(export.Send([Chat()]));

        OtlpSpan span = Assert.Single(await receiver.SpansAsync());
        Assert.Equal(value, span[attribute]);
        Assert.Equal(("0102030405060708090a0b0c0d0e0f10", "1112131415161718"), (span.Trace, span.Id));
    }

    [Fact]
    public async Task Helicone_Span_IsPostedAsJson()
    {
        await using OtlpReceiver receiver = await OtlpReceiver.StartAsync();
        using (TraceExport export = Export("helicone", receiver))
            Assert.True(export.Send([Chat()]));

        (_, var headers, byte[] body) = Assert.Single(receiver.Requests);
        Assert.Equal("application/json", headers["Content-Type"]);
        JsonElement span = JsonElement.Parse(Encoding.UTF8.GetString(body)).GetProperty("resourceSpans")[0].GetProperty("scopeSpans")[0].GetProperty("spans")[0];
        Assert.Equal("1112131415161718", span.GetProperty("spanId").GetString());
        Assert.Equal("3", span.GetProperty("attributes").EnumerateArray().Single(a => a.GetProperty("key").GetString() == "gen_ai.usage.input_tokens").GetProperty("value").GetProperty("intValue").GetString());
    }

    [Fact]
    public async Task Export_BackEndRefuses_SaysSo()
    {
        await using OtlpReceiver receiver = await OtlpReceiver.StartAsync();
        receiver.Status = 400;
        using TraceExport export = Export("otlp", receiver);

        Assert.False(export.Send([Chat()]));
    }

    private static TraceExport Export(string preset, OtlpReceiver receiver) =>
        new(preset, new TelemetryOptions { Endpoint = receiver.Traces }, name => name.EndsWith("KEY", StringComparison.Ordinal) ? "KEY" : null);

    private static RunSpan Chat() => new()
    {
        Name = "chat m",
        Kind = ActivityKind.Client,
        TraceId = ActivityTraceId.CreateFromString("0102030405060708090a0b0c0d0e0f10"),
        SpanId = ActivitySpanId.CreateFromString("1112131415161718"),
        ParentSpanId = default,
        Start = DateTimeOffset.UnixEpoch.AddDays(20_000),
        End = DateTimeOffset.UnixEpoch.AddDays(20_000).AddSeconds(1),
        Attributes = [new("gen_ai.operation.name", "chat"), new("gen_ai.usage.input_tokens", 3L), new("gen_ai.conversation.id", "s1")],
    };
}
