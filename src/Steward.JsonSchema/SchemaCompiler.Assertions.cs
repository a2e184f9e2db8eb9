using System.Text.Json;
using Steward.JsonSchemas.Formats;

namespace Steward.JsonSchemas;

internal sealed partial class SchemaCompiler
{
    private static readonly string[] s_limits = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

    private static readonly string[] s_counts =
        ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];

    private static void AddAssertions(SchemaNode node, List<Keyword> keywords)
    {
        AddType(node, keywords);
        if (Value(node, "const") is { } constant)
            keywords.Add(new ConstKeyword(node, constant));
        if (Value(node, "enum", JsonValueKind.Array, "an array of values") is { } values)
            keywords.Add(new EnumKeyword(node, values));
        AddNumbers(node, keywords);
        foreach (string name in s_counts)
        {
            if (Count(node, name) is { } limit)
                keywords.Add(new CountKeyword(name, node, limit));
        }

        if (Text(node, "pattern") is { } pattern)
            keywords.Add(new PatternKeyword(node, Pattern(node, "pattern", pattern)));
        if (Value(node, "uniqueItems") is { } unique && IsTrue(node, "uniqueItems", unique))
            keywords.Add(new UniqueItemsKeyword(node));
        if (Value(node, "required") is { } required)
            keywords.Add(new RequiredKeyword(node, Strings(node, "required", required)));
        AddDependentRequired(node, keywords);
    }

    private static void AddType(SchemaNode node, List<Keyword> keywords)
    {
        if (Value(node, "type") is not { } type)
            return;

        string[] names = type.ValueKind == JsonValueKind.String ? [type.GetString()!] : Strings(node, "type", type);
        JsonTypes types = names.Aggregate(JsonTypes.None, (all, name) => all | TypeKeyword.Parse(name));
        if (names.Length == 0 || names.Any(name => TypeKeyword.Parse(name) == JsonTypes.None))
            throw Invalid(node, "type", "one or more of array, boolean, integer, null, number, object, string", type);
        keywords.Add(new TypeKeyword(node, types, names));
    }

    private static void AddNumbers(SchemaNode node, List<Keyword> keywords)
    {
        foreach (string name in s_limits)
        {
            if (Value(node, name, JsonValueKind.Number, "a number") is { } limit)
                keywords.Add(new LimitKeyword(name, node, limit));
        }

        if (Value(node, "multipleOf", JsonValueKind.Number, "a number above 0") is not { } divisor)
            return;

        MultipleOfKeyword keyword = new(node, divisor);
        keywords.Add(keyword.IsUsable ? keyword : throw Invalid(node, "multipleOf", "a number above 0", divisor));
    }

    private static void AddDependentRequired(SchemaNode node, List<Keyword> keywords)
    {
        if (Value(node, "dependentRequired", JsonValueKind.Object, "an object of arrays of names") is { } dependent)
        {
            foreach (JsonProperty entry in dependent.EnumerateObject())
                keywords.Add(DependentRequired(node, "dependentRequired", entry));
        }

        if (Value(node, "dependencies", JsonValueKind.Object, "an object of schemas or arrays of names") is not { } mixed)
            return;

        foreach (JsonProperty entry in mixed.EnumerateObject().Where(entry => entry.Value.ValueKind == JsonValueKind.Array))
            keywords.Add(DependentRequired(node, "dependencies", entry));
    }

    private static DependentRequiredKeyword DependentRequired(SchemaNode node, string keyword, JsonProperty entry) =>
        new(keyword, node, entry.Name, Strings(node, $"{keyword}/{entry.Name}", entry.Value));

    private static void AddFormat(SchemaNode node, List<Keyword> keywords, bool leapSeconds)
    {
        if (Text(node, "format") is { } name && Formats.FormatChecks.Find(name, leapSeconds) is { } check)
            keywords.Add(new FormatKeyword(node, name, check));
    }

    private static bool IsTrue(SchemaNode node, string keyword, JsonElement value) =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.ValueKind == JsonValueKind.True
            : throw Invalid(node, keyword, "true or false", value);

    private static EcmaPattern Pattern(SchemaNode node, string keyword, string source)
    {
        try
        {
            return new(source);
        }
        catch (FormatException e)
        {
            throw new JsonSchemaException(
                $"{node.Display}/{keyword}",
                $"the pattern \"{JsonValues.Shorten(source)}\" is not an ECMA-262 regular expression: {e.Message}",
                e);
        }
    }
}
