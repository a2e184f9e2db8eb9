using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Http;

/// <summary>The JSON object of a request, read field by field, so that an error names the field and its value.</summary>
internal sealed class JsonBody
{
    /// <summary>Longest name, key or id, in characters.</summary>
    public const int MostName = 200;

    private readonly JsonElement _body;
    private readonly string _path;

    private JsonBody(JsonElement body, string path, params ReadOnlySpan<string> known)
    {
        _body = body;
        _path = path;
        foreach (JsonProperty field in body.EnumerateObject())
        {
            if (!known.Contains(field.Name))
                throw Refused.Invalid(
                    $"{path}{field.Name}",
                    field.Value.GetRawText(),
                    $"There is no field '{path}{field.Name}'; there are: {string.Join(", ", known.ToArray())}.");
        }
    }

    /// <summary>Reads the body; an empty one is an empty object.</summary>
    /// <exception cref="RefusedException">It is too large, no JSON object, or has a field that is not among the known ones.</exception>
    public static async Task<JsonBody> ReadAsync(ApiCall call, params string[] known)
    {
        HttpRequest request = call.Context.Request;
        ReadOnlyMemory<byte> bytes = await ReadAsync(
            request, call.Api.Options.MaxBodySize, nameof(StewardApiOptions.MaxBodySize), call.Aborted);
        if (bytes.Length > 0 && !request.HasJsonContentType())
            throw Refused.NotJson(request.ContentType);
        return new JsonBody(Parse(bytes), "", known);
    }

    /// <summary>A name, key or id that must be there.</summary>
    public string Name(string field) => OptionalName(field) ?? throw Missing(field);

    /// <summary>A name, key or id.</summary>
    public string? OptionalName(string field) => OptionalText(field) switch
    {
        null => null,
        { Length: > MostName } text =>
            throw Refused.Invalid($"{_path}{field}", text, $"'{_path}{field}' has {text.Length} characters; the most are {MostName}."),
        string text => text,
    };

    /// <summary>A text that must be there.</summary>
    public string Text(string field) => OptionalText(field) ?? throw Missing(field);

    /// <summary>A text.</summary>
    public string? OptionalText(string field) => Find(field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value when !string.IsNullOrWhiteSpace(value.GetString()) => value.GetString(),
        { ValueKind: JsonValueKind.String } =>
            throw Refused.Invalid($"{_path}{field}", "", $"'{_path}{field}' is an empty text; leave it out, or write one."),
        { } value => throw Wrong($"{_path}{field}", value, "a text"),
    };

    /// <summary>One of several words.</summary>
    public T OptionalWord<T>(string field, T otherwise)
        where T : struct, Enum => OptionalText(field) is { } text ? WordOf<T>(field, text) : otherwise;

    /// <summary>One of several words that must be there.</summary>
    public T Word<T>(string field)
        where T : struct, Enum => WordOf<T>(field, Text(field));

    /// <summary>A number from a range.</summary>
    public decimal? OptionalNumber(string field, decimal least, decimal most) => Find(field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetDecimal(out decimal number) && number >= least && number <= most =>
            number,
        { } value => throw Wrong($"{_path}{field}", value, FormattableString.Invariant($"a number from {least} to {most}")),
    };

    /// <summary>A whole number from 0.</summary>
    public long? OptionalCount(string field) => Find(field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt64(out long number) && number >= 0 => number,
        { } value => throw Wrong($"{_path}{field}", value, "a whole number of 0 or more"),
    };

    /// <summary>A JSON object as it is.</summary>
    public JsonElement? OptionalObject(string field) => Find(field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => value,
        { } value => throw Wrong($"{_path}{field}", value, "a JSON object"),
    };

    /// <summary>Labels: an object of texts.</summary>
    public IReadOnlyDictionary<string, string>? OptionalLabels(string field)
    {
        if (OptionalObject(field) is not { } given)
            return null;
        SortedDictionary<string, string> labels = new(StringComparer.Ordinal);
        foreach (JsonProperty label in given.EnumerateObject())
        {
            if (label.Value.ValueKind != JsonValueKind.String)
                throw Wrong($"{_path}{field}.{label.Name}", label.Value, "a text");
            labels.Add(label.Name, label.Value.GetString()!);
        }

        try
        {
            Labels.Check(labels);
            return labels;
        }
        catch (ArgumentException e)
        {
            throw Refused.Invalid($"{_path}{field}", given.GetRawText(), $"'{_path}{field}': {e.Message}");
        }
    }

    /// <summary>A JSON value as a text: a text as it is, anything else as JSON.</summary>
    public string? OptionalValue(string field) => Find(field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString(),
        { } value => value.GetRawText(),
    };

    /// <summary>An object within the body.</summary>
    public JsonBody? Inner(string field, params ReadOnlySpan<string> known) =>
        OptionalObject(field) is { } inner ? new JsonBody(inner, $"{_path}{field}.", known) : null;

    /// <summary>What a user says, in one of two fields: a text, or a text or parts.</summary>
    public IReadOnlyList<ContentPart> Input(string text, string parts) => (OptionalText(text), Find(parts)) switch
    {
        ({ } said, null) => [new TextPart(said)],
        (null, null) => throw Missing(text),
        (null, _) => Input(parts),
        _ => throw Refused.Invalid($"{_path}{parts}", null, $"'{_path}{text}' and '{_path}{parts}' are both there; give one of the two."),
    };

    /// <summary>What a user says: a text, or parts as the journal writes them.</summary>
    public IReadOnlyList<ContentPart> Input(string field) => Find(field) switch
    {
        null => throw Missing(field),
        { ValueKind: JsonValueKind.String } => [new TextPart(Text(field))],
        { ValueKind: JsonValueKind.Array } value when value.GetArrayLength() > 0 =>
            [.. value.EnumerateArray().Select((part, i) => InputParts.Read($"{field}[{i}]", part))],
        { } value => throw Wrong($"{_path}{field}", value, "a text, or an array of parts such as {\"is\": \"text\", \"text\": \"…\"}"),
    };

    /// <summary>The error of a value of the wrong shape.</summary>
    public static RefusedException Wrong(string field, JsonElement value, string expected)
    {
        string raw = value.GetRawText();
        return Refused.Invalid(field, raw, $"'{field}' is {(raw.Length > 100 ? $"{raw[..100]}…" : raw)}; it must be {expected}.");
    }

    private RefusedException Missing(string field) => Refused.Invalid($"{_path}{field}", null, $"The field '{_path}{field}' is missing.");

    private T WordOf<T>(string field, string text)
        where T : struct, Enum
    {
        foreach (T value in Enum.GetValues<T>())
        {
            if (Wire.Word(value) == text)
                return value;
        }

        throw Refused.Invalid(
            $"{_path}{field}",
            text,
            $"'{_path}{field}' is '{text}'; it must be one of: {string.Join(", ", Enum.GetValues<T>().Select(v => Wire.Word(v)))}.");
    }

    private static JsonElement Parse(ReadOnlyMemory<byte> bytes)
    {
        JsonElement body;
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes.IsEmpty ? "{}"u8.ToArray() : bytes);
            InputRules.CheckJson("", JsonMarshal.GetRawUtf8Value(document.RootElement));
            body = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw Refused.Invalid("body", null, $"The body is not JSON: {e.Message}");
        }

        return body.ValueKind == JsonValueKind.Object ? body : throw Wrong("body", body, "a JSON object");
    }

    /// <summary>Reads a body's bytes.</summary>
    /// <exception cref="RefusedException">There are more than the option of that name allows.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(
        HttpRequest request,
        int limit,
        string option,
        CancellationToken cancellationToken)
    {
        if (request.ContentLength > limit)
            throw Refused.TooLarge(limit, option);
        using var bytes = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        while (await request.Body.ReadAsync(buffer, cancellationToken) is > 0 and int count)
        {
            if (bytes.Length + count > limit)
                throw Refused.TooLarge(limit, option);
            bytes.Write(buffer, 0, count);
        }

        return bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
    }

    private JsonElement? Find(string field) =>
        _body.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
