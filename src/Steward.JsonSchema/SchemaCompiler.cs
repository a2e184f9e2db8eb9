using System.Runtime.InteropServices;
using System.Text.Json;

namespace Steward.JsonSchemas;

/// <summary>Turns every schema that can be reached into keywords; a queue, not recursion, so that cycles and chains are free.</summary>
internal sealed partial class SchemaCompiler(SchemaIndex index, JsonSchemaOptions options)
{
    private readonly Queue<SchemaNode> _pending = [];

    public void Compile(SchemaNode root)
    {
        foreach (SchemaNode node in root.Document.Nodes.Values)
            Enqueue(node);
        while (_pending.Count > 0)
        {
            while (_pending.TryDequeue(out SchemaNode? node))
                CompileNode(node);
            foreach (SchemaNode anchor in index.DynamicAnchors)
                Enqueue(anchor);
        }
    }

    private SchemaNode Enqueue(SchemaNode node)
    {
        if (!node.IsQueued)
            _pending.Enqueue(node);
        node.IsQueued = true;
        return node;
    }

    private void CompileNode(SchemaNode node)
    {
        if (node.Element.ValueKind != JsonValueKind.Object)
            return;

        List<Keyword> keywords = [], unevaluated = [];
        Dialect dialect = node.Resource.Dialect;
        bool refOnly = dialect.RefStandsAlone && node.Element.TryGetProperty("$ref", out _);
        if (!refOnly && dialect.Has(Vocabulary.Validation))
            AddAssertions(node, keywords);
        if (!refOnly && FormatAsserts(dialect))
            AddFormat(node, keywords, options.LeapSeconds);
        if (!refOnly && dialect.Has(Vocabulary.Applicator))
            AddChildApplicators(node, keywords);
        AddReferences(node, keywords);
        if (!refOnly && dialect.Has(Vocabulary.Applicator))
            AddInPlaceApplicators(node, keywords);
        if (!refOnly && dialect.Has(Vocabulary.Unevaluated))
            AddUnevaluated(node, unevaluated);
        node.Complete(keywords, unevaluated);
    }

    private bool FormatAsserts(Dialect dialect) =>
        dialect.Has(Vocabulary.FormatAssertion) || (options.AssertFormat && dialect.Has(Vocabulary.FormatAnnotation));

    private void AddReferences(SchemaNode node, List<Keyword> keywords)
    {
        if (Text(node, "$ref") is { } reference)
            keywords.Add(new RefKeyword("$ref", node, Enqueue(index.Resolve(node, "$ref", reference).Node)));
        if (Text(node, "$dynamicRef") is not { } dynamic)
            return;

        (SchemaNode target, bool isDynamic) = index.Resolve(node, "$dynamicRef", dynamic);
        Enqueue(target);
        keywords.Add(isDynamic
            ? new DynamicRefKeyword(node, target, Uri.UnescapeDataString(dynamic[(dynamic.IndexOf('#', StringComparison.Ordinal) + 1)..]))
            : new RefKeyword("$dynamicRef", node, target));
    }

    private static JsonSchemaException Invalid(SchemaNode node, string keyword, string expected, JsonElement actual) =>
        new($"{node.Display}/{JsonPointer.Escape(keyword)}", $"it must be {expected}, but is {JsonValues.Quote(actual)}.");

    private static JsonElement? Value(SchemaNode node, string keyword) =>
        node.Element.TryGetProperty(keyword, out JsonElement value) ? value : null;

    private static JsonElement? Value(SchemaNode node, string keyword, JsonValueKind kind, string expected)
    {
        JsonElement? value = Value(node, keyword);
        return value is null || value.Value.ValueKind == kind ? value : throw Invalid(node, keyword, expected, value.Value);
    }

    private static string? Text(SchemaNode node, string keyword) =>
        Value(node, keyword, JsonValueKind.String, "a string")?.GetString();

    private static int? Count(SchemaNode node, string keyword)
    {
        if (Value(node, keyword) is not { } value)
            return null;
        if (!JsonValues.IsInteger(value) || JsonMarshal.GetRawUtf8Value(value)[0] == (byte)'-')
            throw Invalid(node, keyword, "a non-negative integer", value);

        return value.TryGetDouble(out double number) && number < int.MaxValue ? (int)number : int.MaxValue;
    }

    private static string[] Strings(SchemaNode node, string keyword, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
            throw Invalid(node, keyword, "an array of strings", value);

        return [.. value.EnumerateArray().Select(item => item.GetString()!)];
    }

    private SchemaNode? Child(SchemaNode node, string keyword) =>
        Value(node, keyword) is { } value
            ? At(node, keyword) ?? throw Invalid(node, keyword, "a schema (an object or a boolean)", value)
            : null;

    private SchemaNode[]? Children(SchemaNode node, string keyword)
    {
        if (Value(node, keyword, JsonValueKind.Array, "a non-empty array of schemas") is not { } list)
            return null;
        if (list.GetArrayLength() == 0)
            throw Invalid(node, keyword, "a non-empty array of schemas", list);

        return [.. Enumerable.Range(0, list.GetArrayLength()).Select(i => At(node, $"{keyword}/{i}")!)];
    }

    private List<KeyValuePair<string, SchemaNode>> Map(SchemaNode node, string keyword)
    {
        if (Value(node, keyword, JsonValueKind.Object, "an object of schemas") is not { } map)
            return [];

        List<KeyValuePair<string, SchemaNode>> entries = [];
        foreach (string name in map.EnumerateObject().Select(entry => entry.Name).Distinct())
        {
            if (At(node, $"{keyword}/{JsonPointer.Escape(name)}") is { } schema)
                entries.Add(KeyValuePair.Create(name, schema));
        }

        return entries;
    }

    private SchemaNode? At(SchemaNode node, string path) =>
        node.Document.Nodes.TryGetValue($"{node.Pointer}/{path}", out SchemaNode? child) ? Enqueue(child) : null;
}
