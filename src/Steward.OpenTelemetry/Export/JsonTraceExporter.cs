using System.Buffers;
using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using OpenTelemetry;
using Steward.OpenTelemetry.Presets;

namespace Steward.OpenTelemetry.Export;

/// <summary>Posts spans as OTLP in JSON, for back ends that take nothing else.
/// Source: the OTLP specification 1.x, JSON Protobuf encoding.</summary>
internal sealed class JsonTraceExporter : BaseExporter<Activity>
{
    private readonly HttpClient _http;
    private readonly TelemetryTarget _target;

    public JsonTraceExporter(TelemetryTarget target, TimeSpan timeout)
    {
        _target = target;
        _http = Exporters.Client(target.Endpoint, timeout);
    }

    public override ExportResult Export(in Batch<Activity> batch)
    {
        try
        {
            using IDisposable quiet = SuppressInstrumentationScope.Begin();
            using var request = new HttpRequestMessage(HttpMethod.Post, _target.Endpoint);
            request.Content = new ReadOnlyMemoryContent(Write(batch));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            foreach ((string name, string value) in _target.Headers)
                request.Headers.TryAddWithoutValidation(name, value);
            using HttpResponseMessage response = _http.Send(request);
            return response.IsSuccessStatusCode ? ExportResult.Success : ExportResult.Failure;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return ExportResult.Failure;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _http.Dispose();
        base.Dispose(disposing);
    }

    private ReadOnlyMemory<byte> Write(in Batch<Activity> batch)
    {
        var buffer = new ArrayBufferWriter<byte>(4_096);
        using var w = new Utf8JsonWriter(buffer);
        w.WriteStartObject();
        w.WriteStartArray("resourceSpans");
        w.WriteStartObject();
        w.WriteStartObject("resource");
        WriteAttributes(w, ParentProvider?.GetResource().Attributes.Select(a => KeyValuePair.Create(a.Key, (object?)a.Value)) ?? []);
        w.WriteEndObject();
        w.WriteStartArray("scopeSpans");
        List<Activity> spans = [];
        foreach (Activity span in batch)
            spans.Add(span);
        foreach (IGrouping<string, Activity> scope in spans.GroupBy(s => s.Source.Name, StringComparer.Ordinal))
        {
            w.WriteStartObject();
            w.WriteStartObject("scope");
            w.WriteString("name", scope.Key);
            w.WriteEndObject();
            w.WriteStartArray("spans");
            foreach (Activity span in scope)
                WriteSpan(w, span);
            w.WriteEndArray();
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteEndObject();
        w.WriteEndArray();
        w.WriteEndObject();
        w.Flush();
        return buffer.WrittenMemory;
    }

    private static void WriteSpan(Utf8JsonWriter w, Activity span)
    {
        w.WriteStartObject();
        w.WriteString("traceId", span.TraceId.ToHexString());
        w.WriteString("spanId", span.SpanId.ToHexString());
        if (span.ParentSpanId != default)
            w.WriteString("parentSpanId", span.ParentSpanId.ToHexString());
        w.WriteString("name", span.DisplayName);
        w.WriteNumber("kind", (int)span.Kind + 1);
        w.WriteString("startTimeUnixNano", Nanoseconds(span.StartTimeUtc));
        w.WriteString("endTimeUnixNano", Nanoseconds(span.StartTimeUtc + span.Duration));
        WriteAttributes(w, span.TagObjects);
        w.WriteStartArray("events");
        foreach (ActivityEvent happened in span.Events)
        {
            w.WriteStartObject();
            w.WriteString("name", happened.Name);
            w.WriteString("timeUnixNano", Nanoseconds(happened.Timestamp.UtcDateTime));
            WriteAttributes(w, happened.Tags);
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteStartArray("links");
        foreach (ActivityLink link in span.Links)
        {
            w.WriteStartObject();
            w.WriteString("traceId", link.Context.TraceId.ToHexString());
            w.WriteString("spanId", link.Context.SpanId.ToHexString());
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteStartObject("status");
        w.WriteNumber("code", (int)span.Status);
        if (span.StatusDescription is { } description)
            w.WriteString("message", description);
        w.WriteEndObject();
        w.WriteEndObject();
    }

    private static void WriteAttributes(Utf8JsonWriter w, IEnumerable<KeyValuePair<string, object?>> attributes)
    {
        w.WriteStartArray("attributes");
        foreach ((string key, object? value) in attributes)
        {
            w.WriteStartObject();
            w.WriteString("key", key);
            w.WritePropertyName("value");
            WriteValue(w, value);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static void WriteValue(Utf8JsonWriter w, object? value)
    {
        w.WriteStartObject();
        switch (value)
        {
            case bool b:
                w.WriteBoolean("boolValue", b);
                break;
            case long or int:
                w.WriteString("intValue", Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
            case double d:
                w.WriteNumber("doubleValue", d);
                break;
            case IEnumerable items and not string:
                w.WriteStartObject("arrayValue");
                w.WriteStartArray("values");
                foreach (object? item in items)
                    WriteValue(w, item);
                w.WriteEndArray();
                w.WriteEndObject();
                break;
            default:
                w.WriteString("stringValue", Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }

        w.WriteEndObject();
    }

    private static string Nanoseconds(DateTime time) =>
        ((time - DateTime.UnixEpoch).Ticks * 100).ToString(CultureInfo.InvariantCulture);
}
