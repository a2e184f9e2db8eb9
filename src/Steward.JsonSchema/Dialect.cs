using System.Text.Json;

namespace Steward.JsonSchemas;

[Flags]
internal enum Vocabulary
{
    None = 0,
    Core = 1,
    Applicator = 2,
    Unevaluated = 4,
    Validation = 8,
    MetaData = 16,
    FormatAnnotation = 32,
    FormatAssertion = 64,
    Content = 128,
}

/// <summary>Which keywords a schema resource may use, as its metaschema says.</summary>
/// <param name="Vocabularies">The vocabularies of the metaschema.</param>
/// <param name="ItemsMayBeArray">Before 2020-12, an array under "items" was what "prefixItems" is now.</param>
/// <param name="RefStandsAlone">Before 2019-09, "$ref" hid every keyword beside it.</param>
internal sealed record Dialect(Vocabulary Vocabularies, bool ItemsMayBeArray = false, bool RefStandsAlone = false)
{
    private const string Prefix = "https://json-schema.org/draft/2020-12/vocab/";

    private const Vocabulary All = Vocabulary.Core | Vocabulary.Applicator | Vocabulary.Unevaluated | Vocabulary.Validation
        | Vocabulary.MetaData | Vocabulary.FormatAnnotation | Vocabulary.Content;

    public static Dialect Draft202012 { get; } = new(All);

    public bool Has(Vocabulary vocabulary) => (Vocabularies & vocabulary) != 0;

    /// <summary>An older draft by its well-known address; null for any other metaschema.</summary>
    public static Dialect? Known(string metaschema) => metaschema.TrimEnd('#') switch
    {
        "https://json-schema.org/draft/2020-12/schema" => Draft202012,
        "https://json-schema.org/draft/2019-09/schema" => new(All, ItemsMayBeArray: true),
        "http://json-schema.org/draft-07/schema" or "https://json-schema.org/draft-07/schema"
            or "http://json-schema.org/draft-06/schema" => new(All, ItemsMayBeArray: true, RefStandsAlone: true),
        _ => null,
    };

    /// <summary>Reads "$vocabulary" of a metaschema; one without it means the whole draft.</summary>
    public static Dialect From(JsonElement metaschema, string pointer)
    {
        if (metaschema.ValueKind != JsonValueKind.Object
            || !metaschema.TryGetProperty("$vocabulary", out JsonElement list)
            || list.ValueKind != JsonValueKind.Object)
            return Draft202012;

        Vocabulary vocabularies = Vocabulary.None;
        foreach (JsonProperty entry in list.EnumerateObject())
        {
            Vocabulary known = Named(entry.Name);
            if (known == Vocabulary.None && entry.Value.ValueKind == JsonValueKind.True)
            {
                throw new JsonSchemaException(
                    pointer, $"the metaschema requires the unknown vocabulary \"{entry.Name}\"; use a metaschema without it.");
            }

            vocabularies |= known;
        }

        return new(vocabularies);
    }

    private static Vocabulary Named(string address) =>
        !address.StartsWith(Prefix, StringComparison.Ordinal) ? Vocabulary.None : address[Prefix.Length..] switch
        {
            "core" => Vocabulary.Core,
            "applicator" => Vocabulary.Applicator,
            "unevaluated" => Vocabulary.Unevaluated,
            "validation" => Vocabulary.Validation,
            "meta-data" => Vocabulary.MetaData,
            "format-annotation" => Vocabulary.FormatAnnotation,
            "format-assertion" => Vocabulary.FormatAssertion,
            "content" => Vocabulary.Content,
            _ => Vocabulary.None,
        };
}
