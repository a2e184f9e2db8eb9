using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Steward.JsonSchemas.Tests;

/// <summary>Makes schemas and instances of few names and values, so that they meet; the same seed makes the same.</summary>
/// <remarks>
/// What JsonSchema.Net 8.0.5 is known to get wrong is not made. It runs <c>pattern</c> as a .NET pattern: no properties of Unicode, no
/// line end before <c>$</c>, no character outside the basic plane. It fails custom vocabularies and 74 of the suite's 764 tests of formats.
/// Under <c>dependentSchemas</c> it passes over a name with a slash.
/// A reference in place points only to a later definition: an endless reference is an error here, and an endless call there.
/// </remarks>
internal sealed class RandomSchema(int seed)
{
    private const int Definitions = 3;
    private static readonly string[] s_names = ["a", "b", "ab", "c/d", "é"];
    private static readonly string[] s_plainNames = ["a", "b", "ab", "é"];
    private static readonly string[] s_texts = ["", "a", "b", "ab", "aab", "é", "c/d", "0", "true", "a b"];
    private static readonly string[] s_numbers =
        ["0", "1", "1.0", "-1", "2", "3", "1.5", "0.1", "0.3", "10", "1e1", "-0.0", "12345678901234567890"];

    private static readonly string[] s_patterns = ["a", "^a", "^[ab]+$", "b$", "^.$", "^$", "\\\\d", "[^a]", "^(a|é)"];
    private static readonly string[] s_types = ["null", "boolean", "integer", "number", "string", "array", "object"];
    private static readonly string[] s_limits = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
    private static readonly string[] s_counts = ["Length", "Items", "Properties"];

    private readonly Random _random = new(seed);

    /// <summary>A schema with definitions that its references find.</summary>
    public string Schema()
    {
        JsonObject root = SchemaObject(3, 0);
        JsonObject definitions = [];
        for (int i = 0; i < Definitions; i++)
            definitions[Name(i)] = Schema(2, i + 1);
        root["$defs"] = definitions;
        return root.ToJsonString();
    }

    /// <summary>Any value, at most a few levels deep.</summary>
    public string Instance() => Value(3)?.ToJsonString() ?? "null";

    private static string Name(int definition) => $"d{definition.ToString(CultureInfo.InvariantCulture)}";

    private JsonNode Schema(int depth, int firstDefinition) =>
        depth == 0 || Chance(8) ? JsonValue.Create(!Chance(4)) : SchemaObject(depth, firstDefinition);

    private JsonObject SchemaObject(int depth, int firstDefinition)
    {
        JsonObject schema = [];
        for (int i = _random.Next(1, 5); i > 0; i--)
            AddKeyword(schema, depth - 1, firstDefinition);
        return schema;
    }

    private void AddKeyword(JsonObject schema, int depth, int firstDefinition)
    {
        switch (_random.Next(8))
        {
            case 0:
                AddAny(schema);
                break;
            case 1:
                AddScalar(schema);
                break;
            case 2 or 3:
                AddObject(schema, depth);
                break;
            case 4 or 5:
                AddArray(schema, depth);
                break;
            default:
                AddInPlace(schema, depth, firstDefinition);
                break;
        }
    }

    private void AddAny(JsonObject schema)
    {
        switch (_random.Next(4))
        {
            case 0:
                schema["type"] = Pick(s_types);
                break;
            case 1:
                schema["type"] = Strings(s_types, 1);
                break;
            case 2:
                schema["const"] = Value(2);
                break;
            default:
                schema["enum"] = Array(1, 4, () => Value(2));
                break;
        }
    }

    private void AddScalar(JsonObject schema)
    {
        switch (_random.Next(4))
        {
            case 0:
                schema[Pick(s_limits)] = Number();
                break;
            case 1:
                schema["multipleOf"] = JsonNode.Parse(Pick(["1", "2", "0.1", "0.5", "3", "1e1"]));
                break;
            case 2:
                schema["pattern"] = Pattern();
                break;
            default:
                schema[Pick(["min", "max"]) + Pick(s_counts)] = _random.Next(4);
                break;
        }
    }

    private void AddObject(JsonObject schema, int depth)
    {
        switch (_random.Next(8))
        {
            case 0 or 1:
                schema["properties"] = Map(s_names, () => Schema(depth, 0));
                break;
            case 2:
                schema["patternProperties"] = Map([Pattern(), Pattern()], () => Schema(depth, 0));
                break;
            case 3:
                schema["additionalProperties"] = Schema(depth, 0);
                break;
            case 4:
                schema["propertyNames"] = Schema(depth, 0);
                break;
            case 5:
                schema["required"] = Strings(s_names, 0);
                break;
            case 6:
                schema["dependentRequired"] = Map(s_names, () => Strings(s_names, 0));
                break;
            default:
                schema["unevaluatedProperties"] = Schema(depth, 0);
                break;
        }
    }

    private void AddArray(JsonObject schema, int depth)
    {
        switch (_random.Next(7))
        {
            case 0:
                schema["items"] = Schema(depth, 0);
                break;
            case 1:
                schema["prefixItems"] = Array(1, 4, () => Schema(depth, 0));
                break;
            case 2:
                schema["contains"] = Schema(depth, 0);
                break;
            case 3:
                schema["contains"] = Schema(depth, 0);
                schema["minContains"] = _random.Next(3);
                break;
            case 4:
                schema["contains"] = Schema(depth, 0);
                schema["maxContains"] = _random.Next(3);
                break;
            case 5:
                schema["uniqueItems"] = !Chance(4);
                break;
            default:
                schema["unevaluatedItems"] = Schema(depth, 0);
                break;
        }
    }

    private void AddInPlace(JsonObject schema, int depth, int firstDefinition)
    {
        switch (_random.Next(8))
        {
            case 0 or 1 when firstDefinition < Definitions:
                schema["$ref"] = $"#/$defs/{Name(_random.Next(firstDefinition, Definitions))}";
                break;
            case 2:
                schema["not"] = Schema(depth, firstDefinition);
                break;
            case 3:
                schema["if"] = Schema(depth, firstDefinition);
                schema["then"] = Schema(depth, firstDefinition);
                schema["else"] = Schema(depth, firstDefinition);
                break;
            case 4:
                schema["dependentSchemas"] = Map(s_plainNames, () => Schema(depth, firstDefinition));
                break;
            case 5:
                schema["allOf"] = Array(1, 3, () => Schema(depth, firstDefinition));
                break;
            case 6:
                schema["anyOf"] = Array(1, 4, () => Schema(depth, firstDefinition));
                break;
            default:
                schema["oneOf"] = Array(1, 4, () => Schema(depth, firstDefinition));
                break;
        }
    }

    private JsonNode? Value(int depth) => _random.Next(depth == 0 ? 6 : 12) switch
    {
        0 => null,
        1 => JsonValue.Create(Chance(2)),
        2 or 3 => Number(),
        4 or 5 => JsonValue.Create(Pick(s_texts)),
        6 or 7 or 8 => Array(0, 4, () => Value(depth - 1)),
        _ => Map(s_names, () => Value(depth - 1)),
    };

    private JsonNode Number() => JsonNode.Parse(Pick(s_numbers))!;

    private string Pattern() => JsonSerializer.Deserialize<string>($"\"{Pick(s_patterns)}\"")!;

    private JsonArray Array(int least, int end, Func<JsonNode?> item) =>
        [.. Enumerable.Range(0, _random.Next(least, end)).Select(_ => item())];

    private JsonArray Strings(string[] from, int least) =>
        [.. _random.GetItems(from, _random.Next(least, 4)).Distinct().Select(text => (JsonNode)text)];

    private JsonObject Map(string[] names, Func<JsonNode?> value) =>
        new(_random.GetItems(names, _random.Next(0, 4)).Distinct().ToList().Select(name => KeyValuePair.Create(name, value())));

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;
}
