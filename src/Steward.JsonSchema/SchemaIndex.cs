using System.Globalization;
using System.Text.Json;

namespace Steward.JsonSchemas;

/// <summary>A JSON document that holds schemas, and every schema in it by its pointer.</summary>
internal sealed class SchemaDocument(string address, JsonElement root, bool isRoot)
{
    public string Address => address;

    public JsonElement Root => root;

    public bool IsRoot => isRoot;

    public Dictionary<string, SchemaNode> Nodes { get; } = new(StringComparer.Ordinal);
}

/// <summary>A schema with an address of its own, and the names that can be referred to in it.</summary>
internal sealed class SchemaResource(string address, string pointer, Dialect dialect)
{
    public string Address => address;

    public string Pointer => pointer;

    public Dialect Dialect => dialect;

    public Dictionary<string, SchemaNode> Anchors { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, SchemaNode> DynamicAnchors { get; } = new(StringComparer.Ordinal);
}

/// <summary>Finds schemas by address: reads documents, notes $id and anchors, follows references.</summary>
internal sealed class SchemaIndex(JsonSchemaOptions options)
{
    private const string DefaultAddress = "steward://schema/root";
    private const int MaxSchemaDepth = 200;

    private static readonly string[] s_single =
    [
        "additionalProperties", "propertyNames", "items", "additionalItems", "contains", "unevaluatedItems", "unevaluatedProperties",
        "not", "if", "then", "else", "contentSchema",
    ];

    private static readonly string[] s_lists = ["allOf", "anyOf", "oneOf", "prefixItems", "items"];

    private static readonly string[] s_maps =
        ["$defs", "definitions", "properties", "patternProperties", "dependentSchemas", "dependencies"];

    private readonly Dictionary<string, SchemaNode> _roots = new(StringComparer.Ordinal);

    /// <summary>Every $dynamicAnchor read so far; without one there is no scope to keep.</summary>
    public List<SchemaNode> DynamicAnchors { get; } = [];

    public SchemaNode AddRoot(JsonElement schema) =>
        Add(new(options.BaseUri?.OriginalString ?? DefaultAddress, schema, isRoot: true));

    /// <summary>The schema that a reference means, and whether it was named by a $dynamicAnchor.</summary>
    public (SchemaNode Node, bool IsDynamic) Resolve(SchemaNode from, string keyword, string reference)
    {
        (string address, string fragment) = reference.StartsWith('#')
            ? (from.Resource.Address, Uri.UnescapeDataString(reference[1..]))
            : UriReference.Resolve(from.Resource.Address, reference);
        SchemaNode root = FindRoot(address) ?? throw Unresolved(
            from,
            keyword,
            reference,
            "no schema has that address; add it under \"$defs\" with an \"$id\", or supply it through JsonSchemaOptions.Resolve");
        if (fragment.Length == 0)
            return (root, false);
        if (fragment[0] == '/')
        {
            SchemaNode target = FindPointer(root, fragment)
                ?? throw Unresolved(from, keyword, reference, "there is nothing at that pointer; correct it or add the definition");
            return (target, false);
        }

        SchemaNode node = root.Resource.Anchors.GetValueOrDefault(fragment) ?? throw Unresolved(
            from, keyword, reference, $"there is no \"$anchor\" named \"{fragment}\"; correct the name or add the anchor");
        return (node, root.Resource.DynamicAnchors.ContainsKey(fragment));
    }

    private static JsonSchemaException Unresolved(SchemaNode from, string keyword, string reference, string why) =>
        new($"{from.Display}/{keyword}", $"the reference \"{reference}\" cannot be resolved: {why}.");

    private SchemaNode? FindRoot(string address)
    {
        if (_roots.TryGetValue(address, out SchemaNode? known))
            return known;

        return Fetch(address) is { } document ? Add(new(address, document, isRoot: false)) : null;
    }

    private JsonElement? Fetch(string address)
    {
        if (Metaschemas.Find(address) is { } embedded)
            return embedded;

        return options.Resolve is { } resolve && Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) ? resolve(uri)?.Clone() : null;
    }

    private SchemaNode Add(SchemaDocument document)
    {
        SchemaResource resource = new(document.Address, "", Dialect.Draft202012);
        SchemaNode root = Scan(document, resource, "", document.Root, 0);
        _roots.TryAdd(document.Address, root);
        return root;
    }

    private SchemaNode? FindPointer(SchemaNode root, string fragment)
    {
        SchemaDocument document = root.Document;
        string pointer = root.Pointer + fragment;
        if (document.Nodes.TryGetValue(pointer, out SchemaNode? known))
            return known;

        (JsonElement element, SchemaResource resource, string path) = (root.Element, root.Resource, root.Pointer);
        foreach (string token in fragment[1..].Split('/'))
        {
            if (Child(element, JsonPointer.Unescape(token)) is not { } child)
                return null;
            (element, path) = (child, $"{path}/{token}");
            resource = document.Nodes.GetValueOrDefault(path)?.Resource ?? resource;
        }

        return document.Nodes.GetValueOrDefault(path) ?? Scan(document, resource, path, element, 0);
    }

    private static JsonElement? Child(JsonElement element, string token) => element.ValueKind switch
    {
        JsonValueKind.Object when element.TryGetProperty(token, out JsonElement member) => member,
        JsonValueKind.Array when int.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            && index < element.GetArrayLength() => element[index],
        _ => null,
    };

    private SchemaNode Scan(SchemaDocument document, SchemaResource resource, string pointer, JsonElement element, int depth)
    {
        if (depth > MaxSchemaDepth)
            throw new JsonSchemaException(pointer, $"it nests deeper than {MaxSchemaDepth} schemas; move parts to \"$defs\".");
        if (element.ValueKind is not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False))
        {
            throw new JsonSchemaException(
                document.IsRoot ? pointer : $"{document.Address}#{pointer}",
                $"a schema must be an object or a boolean, but is {JsonValues.Quote(element)}.");
        }

        if (element.ValueKind == JsonValueKind.Object)
            resource = OwnResource(resource, pointer, element);

        SchemaNode node = new(document, resource, pointer, element);
        document.Nodes[pointer] = node;
        if (element.ValueKind != JsonValueKind.Object)
            return node;

        if (resource.Pointer == pointer)
            _roots.TryAdd(resource.Address, node);
        AddAnchors(node);
        ScanChildren(node, depth + 1);
        return node;
    }

    private SchemaResource OwnResource(SchemaResource parent, string pointer, JsonElement element)
    {
        string? id = Text(element, pointer, "$id");
        bool alone = pointer.Length > 0 && parent.Dialect.RefStandsAlone && element.TryGetProperty("$ref", out _);
        if (pointer.Length > 0 && (id is null || id.StartsWith('#') || alone))
            return parent;

        string address = id is null ? parent.Address : UriReference.Resolve(parent.Address, id).Address;
        return new(address, pointer, DialectOf(element, pointer) ?? parent.Dialect);
    }

    private Dialect? DialectOf(JsonElement element, string pointer)
    {
        if (Text(element, pointer, "$schema") is not { } name)
            return null;
        if (Dialect.Known(name) is { } known)
            return known;

        return Fetch(name.TrimEnd('#')) is { } metaschema ? Dialect.From(metaschema, $"{pointer}/$schema") : null;
    }

    private void AddAnchors(SchemaNode node)
    {
        SchemaResource resource = node.Resource;
        if (Text(node.Element, node.Display, "$anchor") is { } anchor)
            resource.Anchors.TryAdd(anchor, node);
        if (Text(node.Element, node.Display, "$id") is { } id && id.StartsWith('#') && id.Length > 1)
            resource.Anchors.TryAdd(id[1..], node);
        if (Text(node.Element, node.Display, "$dynamicAnchor") is not { } dynamicAnchor)
            return;

        DynamicAnchors.Add(node);
        resource.Anchors.TryAdd(dynamicAnchor, node);
        resource.DynamicAnchors.TryAdd(dynamicAnchor, node);
    }

    private void ScanChildren(SchemaNode node, int depth)
    {
        (SchemaDocument document, SchemaResource resource) = (node.Document, node.Resource);
        (string pointer, JsonElement element) = (node.Pointer, node.Element);
        foreach (string name in s_single)
        {
            if (element.TryGetProperty(name, out JsonElement child) && child.ValueKind != JsonValueKind.Array)
                Scan(document, resource, $"{pointer}/{name}", child, depth);
        }

        foreach (string name in s_lists)
        {
            if (!element.TryGetProperty(name, out JsonElement list) || list.ValueKind != JsonValueKind.Array)
                continue;
            for (int i = 0; i < list.GetArrayLength(); i++)
                Scan(document, resource, $"{pointer}/{name}/{i}", list[i], depth);
        }

        foreach (string name in s_maps)
        {
            if (!element.TryGetProperty(name, out JsonElement map) || map.ValueKind != JsonValueKind.Object)
                continue;
            foreach (JsonProperty entry in map.EnumerateObject())
            {
                if (name != "dependencies" || entry.Value.ValueKind != JsonValueKind.Array)
                    Scan(document, resource, $"{pointer}/{name}/{JsonPointer.Escape(entry.Name)}", entry.Value, depth);
            }
        }
    }

    private static string? Text(JsonElement element, string pointer, string name)
    {
        if (!element.TryGetProperty(name, out JsonElement value))
            return null;

        return value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : throw new JsonSchemaException($"{pointer}/{name}", $"it must be a string, but is {JsonValues.Quote(value)}.");
    }
}
