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
        List<KeyValuePair<string, SchemaNode>> properties = Map(node, "properties");
        (EcmaPattern, SchemaNode Value)[] patterns = Map(node, "patternProperties")
            .Select(entry => (Pattern(node, $"patternProperties/{JsonPointer.Escape(entry.Key)}", entry.Key), entry.Value)).ToArray();
        SchemaNode? additional = Child(node, "additionalProperties");
        if (properties.Count > 0 || patterns.Length > 0 || additional is not null)
            keywords.Add(new PropertiesKeyword(node, new(properties), patterns, additional));
    }

    private void AddItems(SchemaNode node, List<Keyword> keywords)
    {
        bool legacy = node.Resource.Dialect.ItemsMayBeArray;
        bool isArray = Value(node, "items")?.ValueKind == JsonValueKind.Array;
        if (isArray && !legacy)
        {
            throw new JsonSchemaException(
                $"{node.Display}/items", "it must be a schema; an array of schemas is called \"prefixItems\" in draft 2020-12.");
        }

        (string prefixName, string restName) = legacy ? ("items", isArray ? "additionalItems" : "items") : ("prefixItems", "items");
        SchemaNode[] prefix = legacy && !isArray ? [] : Children(node, prefixName) ?? [];
        SchemaNode? rest = Child(node, restName);
        if (prefix.Length > 0 || rest is not null)
            keywords.Add(new ItemsKeyword(restName, node, prefix, rest));
    }

    private void AddContains(SchemaNode node, List<Keyword> keywords)
    {
        bool validates = node.Resource.Dialect.Has(Vocabulary.Validation);
        int? min = validates ? Count(node, "minContains") : null;
        int? max = validates ? Count(node, "maxContains") : null;
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
        foreach (string keyword in new[] { "dependentSchemas", "dependencies" })
        {
            foreach ((string name, SchemaNode schema) in Map(node, keyword))
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
