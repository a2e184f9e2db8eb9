using System.Buffers;
using System.Text.Json;

namespace Steward.Tools;

/// <summary>Forgives the commonest slip of models in tool calls: null where an optional argument should be left out.</summary>
public static class ToolArguments
{
    private const int MaxDepth = 64;

    /// <summary>Removes each null member that is not required and whose schema does not accept null, at every level.</summary>
    /// <param name="arguments">The arguments of the call.</param>
    /// <param name="schema">The input schema of the tool; local references in it are followed.</param>
    /// <returns>The same element when there is nothing to remove.</returns>
    public static JsonElement DropNullOptionals(JsonElement arguments, JsonElement schema)
    {
        try
        {
            return HasDroppable(arguments, schema, schema, 0) ? Drop(arguments, schema) : arguments;
        }
        catch (InvalidOperationException)
        {
            // A name with half a surrogate pair cannot be read; the validation that follows says so.
            return arguments;
        }
    }

    private static JsonElement Drop(JsonElement arguments, JsonElement schema)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer, new JsonWriterOptions { SkipValidation = true }))
            Write(writer, arguments, schema, schema, 0);
        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static bool HasDroppable(JsonElement value, JsonElement? schema, JsonElement root, int depth)
    {
        if (depth > MaxDepth || Follow(schema, root) is not { } here)
            return false;

        return value.ValueKind switch
        {
            JsonValueKind.Object => value.EnumerateObject().Any(member =>
                IsDroppable(member, here, root) || HasDroppable(member.Value, MemberSchema(here, member.Name), root, depth + 1)),
            JsonValueKind.Array => value.EnumerateArray().Any(item => HasDroppable(item, ItemSchema(here), root, depth + 1)),
            _ => false,
        };
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value, JsonElement? schema, JsonElement root, int depth)
    {
        if (depth > MaxDepth
            || Follow(schema, root) is not { } here
            || value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
        {
            value.WriteTo(writer);
            return;
        }

        if (value.ValueKind == JsonValueKind.Array)
        {
            writer.WriteStartArray();
            foreach (JsonElement item in value.EnumerateArray())
                Write(writer, item, ItemSchema(here), root, depth + 1);
            writer.WriteEndArray();
            return;
        }

        writer.WriteStartObject();
        foreach (JsonProperty member in value.EnumerateObject().Where(member => !IsDroppable(member, here, root)))
        {
            writer.WritePropertyName(member.Name);
            Write(writer, member.Value, MemberSchema(here, member.Name), root, depth + 1);
        }

        writer.WriteEndObject();
    }

    private static bool IsDroppable(JsonProperty member, JsonElement schema, JsonElement root) =>
        member.Value.ValueKind == JsonValueKind.Null
        && !IsRequired(schema, member.Name)
        && MemberSchema(schema, member.Name) is { } own
        && !AcceptsNull(own, root, 0);

    private static bool IsRequired(JsonElement schema, string name) =>
        schema.TryGetProperty("required", out JsonElement required) && required.ValueKind == JsonValueKind.Array
        && required.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.String && item.ValueEquals(name));

    private static JsonElement? MemberSchema(JsonElement schema, string name) =>
        schema.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object
        && properties.TryGetProperty(name, out JsonElement own) ? own : null;

    private static JsonElement? ItemSchema(JsonElement schema) => schema.TryGetProperty("items", out JsonElement items) ? items : null;

    /// <summary>The object behind local references; null for a boolean, a remote reference or a cycle.</summary>
    private static JsonElement? Follow(JsonElement? schema, JsonElement root)
    {
        for (int steps = 0; schema is { ValueKind: JsonValueKind.Object } here && steps < MaxDepth; steps++)
        {
            if (!here.TryGetProperty("$ref", out JsonElement reference) || reference.ValueKind != JsonValueKind.String)
                return here;
            schema = Local(reference.GetString()!, root);
        }

        return null;
    }

    private static JsonElement? Local(string reference, JsonElement root)
    {
        if (reference != "#" && !reference.StartsWith("#/", StringComparison.Ordinal))
            return null;

        JsonElement element = root;
        foreach (string token in Uri.UnescapeDataString(reference).Split('/').Skip(1))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(Unescape(token), out element))
                return null;
        }

        return element;
    }

    private static string Unescape(string token) =>
        token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);

    /// <summary>Whether null could satisfy the schema; in doubt yes, so that nothing meaningful is dropped.</summary>
    private static bool AcceptsNull(JsonElement schema, JsonElement root, int depth)
    {
        if (schema.ValueKind == JsonValueKind.False)
            return false;
        if (depth > MaxDepth || schema.ValueKind != JsonValueKind.Object)
            return true;

        return TypeAcceptsNull(schema)
            && (!schema.TryGetProperty("const", out JsonElement constant) || constant.ValueKind == JsonValueKind.Null)
            && (!schema.TryGetProperty("enum", out JsonElement values) || values.ValueKind != JsonValueKind.Array
                || values.EnumerateArray().Any(value => value.ValueKind == JsonValueKind.Null))
            && (!schema.TryGetProperty("$ref", out JsonElement reference) || reference.ValueKind != JsonValueKind.String
                || Local(reference.GetString()!, root) is not { } target || AcceptsNull(target, root, depth + 1))
            && SomeBranch(schema, "anyOf", root, depth)
            && SomeBranch(schema, "oneOf", root, depth)
            && Array.TrueForAll(Branches(schema, "allOf"), branch => AcceptsNull(branch, root, depth + 1));
    }

    private static bool SomeBranch(JsonElement schema, string keyword, JsonElement root, int depth)
    {
        JsonElement[] branches = Branches(schema, keyword);
        return branches.Length == 0 || Array.Exists(branches, branch => AcceptsNull(branch, root, depth + 1));
    }

    private static bool TypeAcceptsNull(JsonElement schema) =>
        !schema.TryGetProperty("type", out JsonElement type) || type.ValueKind switch
        {
            JsonValueKind.String => type.ValueEquals("null"),
            JsonValueKind.Array => type.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.String && item.ValueEquals("null")),
            _ => true,
        };

    private static JsonElement[] Branches(JsonElement schema, string keyword) =>
        schema.TryGetProperty(keyword, out JsonElement list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()] : [];
}
