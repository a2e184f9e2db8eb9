using System.Text.Json;

namespace Steward.JsonSchemas;

internal sealed partial class SchemaCompiler
{
    private void AddChildApplicators(SchemaNode node, List<Keyword> keywords)
    {
        if (Child(node, "propertyNames") is { } names)
            keywords.Add(new PropertyNamesKeyword(node, names));
        AddProperties(node, keywords);
        AddItems(node, keywords);
        AddContains(node, keywords);
    }

    private void AddProperties(SchemaNode node, List<Keyword> keywords)
    {
        var properties = Map(node, "properties");
        var patterns = Map(node, "patternProperties")
            .Select(entry => (Pattern(node, $"patternProperties/{JsonPointer.Escape(entry.Key)}", entry.Key), entry.Value)).ToArray();
        var additional = Child(node, "additionalProperties");
        if (properties.Count > 0 || patterns.Length > 0 || additional is not null)
            keywords.Add(new PropertiesKeyword(node, new(properties), patterns, additional));
    }

    private void AddItems(SchemaNode node, List<Keyword> keywords)
    {
        var legacy = node.Resource.Dialect.ItemsMayBeArray;
        var isArray = Value(node, "items")?.ValueKind == JsonValueKind.Array;
        if (isArray && !legacy)
            throw new JsonSchemaException($"{node.Display}/items", "it must be a schema; an array of schemas is called \"prefixItems\" in draft 2020-12.");

        var (prefixName, restName) = legacy ? ("items", isArray ? "additionalItems" : "items") : ("prefixItems", "items");
        var prefix = legacy && !isArray ? [] : Children(node, prefixName) ?? [];
        var rest = Child(node, restName);
        if (prefix.Length > 0 || rest is not null)
            keywords.Add(new ItemsKeyword(restName, node, prefix, rest));
    }

    private void AddContains(SchemaNode node, List<Keyword> keywords)
    {
        var validates = node.Resource.Dialect.Has(Vocabulary.Validation);
        var min = validates ? Count(node, "minContains") : null;
        var max = validates ? Count(node, "maxContains") : null;
        if (Child(node, "contains") is { } contains)
            keywords.Add(new ContainsKeyword(node, contains, min ?? 1, max));
    }

    private void AddInPlaceApplicators(SchemaNode node, List<Keyword> keywords)
    {
        if (Children(node, "allOf") is { } all)
            keywords.Add(new AllOfKeyword(node, all));
        if (Children(node, "anyOf") is { } any)
            keywords.Add(new AnyOfKeyword(node, any));
        if (Children(node, "oneOf") is { } one)
            keywords.Add(new OneOfKeyword(node, one));
        if (Child(node, "not") is { } not)
            keywords.Add(new NotKeyword(node, not));
        if (Child(node, "if") is { } condition)
            keywords.Add(new IfKeyword(node, condition, Child(node, "then"), Child(node, "else")));
        foreach (var keyword in new[] { "dependentSchemas", "dependencies" })
        {
            foreach (var (name, schema) in Map(node, keyword))
                keywords.Add(new DependentSchemaKeyword(keyword, node, name, schema));
        }
    }

    private void AddUnevaluated(SchemaNode node, List<Keyword> keywords)
    {
        if (Child(node, "unevaluatedItems") is { } items)
            keywords.Add(new UnevaluatedItemsKeyword(node, items));
        if (Child(node, "unevaluatedProperties") is { } properties)
            keywords.Add(new UnevaluatedPropertiesKeyword(node, properties));
    }
}
