using System.Collections.Frozen;
using System.Text.Json;

namespace Steward.JsonSchemas;

/// <summary>The documents of draft 2020-12, embedded so that no schema needs the network.</summary>
internal static class Metaschemas
{
    private const string Address = "https://json-schema.org/draft/2020-12/";

    private static readonly FrozenDictionary<string, Lazy<JsonElement>> s_documents = new[]
    {
        "schema", "meta/core", "meta/applicator", "meta/unevaluated", "meta/validation",
        "meta/meta-data", "meta/format-annotation", "meta/format-assertion", "meta/content",
    }.ToFrozenDictionary(name => Address + name, name => new Lazy<JsonElement>(() => Read(name)));

    public static JsonElement? Find(string address) =>
        s_documents.TryGetValue(address, out Lazy<JsonElement>? document) ? document.Value : null;

    private static JsonElement Read(string name)
    {
        string resource = $"Steward.JsonSchemas.{name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..]}.json";
        using Stream stream = typeof(Metaschemas).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The resource '{resource}' is not embedded.");
        using JsonDocument document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
