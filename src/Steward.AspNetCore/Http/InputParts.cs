using System.Text.Json;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Http;

/// <summary>Parts of a user's message, by the names that the journal has for
/// them. A model's reasoning and calls are not a user's to send.</summary>
internal static class InputParts
{
    /// <exception cref="RefusedException">It is no such part.</exception>
    public static ContentPart Read(string field, JsonElement part)
    {
        if (part.ValueKind != JsonValueKind.Object)
            throw JsonBody.Wrong(field, part, "a part such as {\"is\": \"text\", \"text\": \"…\"}");
        return Text(field, part, "is") switch
        {
            "text" => Only(field, part, new TextPart(Text(field, part, "text")), "text"),
            "data" => Only(field, part, new DataPart(Text(field, part, "mediaType"), Bytes(field, part)), "mediaType", "data"),
            "blob" => Only(field, part, new BlobPart("", Hash(field, part), 0), "hash", "mediaType", "length", "pages"),
            "uri" => Only(field, part, new UriPart(Text(field, part, "mediaType"), Address(field, part)), "mediaType", "uri"),
            _ => throw JsonBody.Wrong($"{field}.is", part.GetProperty("is"), "one of: text, data, blob, uri"),
        };
    }

    private static ContentPart Only(string field, JsonElement part, ContentPart read, params string[] known)
    {
        foreach (JsonProperty property in part.EnumerateObject())
        {
            if (property.Name != "is" && !known.Contains(property.Name))
                throw Refused.Invalid(
                    $"{field}.{property.Name}",
                    property.Value.GetRawText(),
                    $"There is no field '{field}.{property.Name}'; there are: is, {string.Join(", ", known)}.");
        }

        return read;
    }

    private static string Text(string field, JsonElement part, string name)
    {
        if (!part.TryGetProperty(name, out JsonElement value))
            throw Refused.Invalid($"{field}.{name}", null, $"The field '{field}.{name}' is missing.");
        return value.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(value.GetString())
            ? value.GetString()!
            : throw JsonBody.Wrong($"{field}.{name}", value, "a text that is not empty");
    }

    private static byte[] Bytes(string field, JsonElement part)
    {
        Text(field, part, "data");
        return part.GetProperty("data").TryGetBytesFromBase64(out byte[]? bytes)
            ? bytes
            : throw JsonBody.Wrong($"{field}.data", part.GetProperty("data"), "bytes in base64");
    }

    /// <summary>What else the part says is not believed: the store knows it.</summary>
    private static string Hash(string field, JsonElement part) => Text(field, part, "hash") is var hash && Blob.IsHash(hash)
        ? hash
        : throw JsonBody.Wrong($"{field}.hash", part.GetProperty("hash"), "the hash that POST /v1/blobs answered: 64 hexadecimal digits");

    private static Uri Address(string field, JsonElement part) =>
        Uri.TryCreate(Text(field, part, "uri"), UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw JsonBody.Wrong($"{field}.uri", part.GetProperty("uri"), "an absolute http or https URL");
}
