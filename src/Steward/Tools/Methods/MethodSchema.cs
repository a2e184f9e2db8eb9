using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Steward.Tools;

/// <summary>Mends what <see cref="AIJsonUtilities"/> makes of a method's parameters.</summary>
/// <remarks>
/// Microsoft.Extensions.AI 10.11 writes most DataAnnotations into the schema already. It leaves out that a required text is not empty, and
/// writes a decimal range as text (which is no JSON Schema). It also lets a null default contradict the allowed values.
/// </remarks>
internal static class MethodSchema
{
    public static AIJsonSchemaCreateOptions Options { get; } = new() { TransformSchemaNode = Mend };

    /// <summary>Lets no argument in that the method has no parameter for.</summary>
    public static JsonElement Close(JsonElement schema, MethodInfo method)
    {
        JsonObject open = JsonObject.Create(schema)!;
        open["additionalProperties"] = false;
        // A transformation sees the attributes of properties, but not those of a method's parameters.
        foreach (ParameterInfo parameter in method.GetParameters())
        {
            if (parameter.Name is { } name && open["properties"]?[name] is JsonObject node)
                MendRequired(parameter.GetCustomAttribute<RequiredAttribute>(), node);
        }

        return JsonElement.Parse(open.ToJsonString());
    }

    private static JsonNode Mend(AIJsonSchemaCreateContext context, JsonNode node)
    {
        if (node is not JsonObject schema)
            return node;
        MendRequired(context.GetCustomAttribute<RequiredAttribute>(), schema);
        foreach (string keyword in (ReadOnlySpan<string>)["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])
            MendBound(schema, keyword);
        if (schema["enum"] is JsonArray values && schema.ContainsKey("default") && schema["default"] is null && !values.Any(v => v is null))
            values.Add(null);
        return schema;
    }

    private static void MendRequired(RequiredAttribute? required, JsonObject schema)
    {
        if (required is { AllowEmptyStrings: false } && IsText(schema))
            schema["minLength"] = Math.Max(1, (int?)schema["minLength"] ?? 0);
    }

    private static void MendBound(JsonObject schema, string keyword)
    {
        if (schema[keyword] is not JsonValue bound || bound.GetValueKind() != JsonValueKind.String)
            return;
        if (decimal.TryParse(bound.GetValue<string>(), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number))
            schema[keyword] = number;
        else
            schema.Remove(keyword); // a range of dates: no keyword says it
    }

    private static bool IsText(JsonObject schema) => schema["type"] switch
    {
        JsonValue type => type.GetValue<string>() == "string",
        JsonArray types => types.Any(t => t?.GetValue<string>() == "string"),
        _ => false,
    };
}
