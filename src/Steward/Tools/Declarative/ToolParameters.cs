using System.Text.Json;

namespace Steward.Tools.Declarative;

/// <summary>Makes the schema of declared parameters, and reads a call's arguments by them.</summary>
internal static class ToolParameters
{
    public static bool IsName(string? name) =>
        name is { Length: > 0 and <= ToolDefinition.MaxNameLength }
        && !char.IsAsciiDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    public static JsonElement Schema(string tool, IReadOnlyList<ToolParameter> parameters)
    {
        Check(tool, parameters);
        return JsonElement.Parse(JsonText.Bytes(json =>
        {
            json.WriteStartObject();
            json.WriteString("type", "object");
            json.WriteStartObject("properties");
            foreach (ToolParameter parameter in parameters)
            {
                json.WritePropertyName(parameter.Name);
                Write(json, parameter);
            }

            json.WriteEndObject();
            json.WriteStartArray("required");
            foreach (ToolParameter parameter in parameters.Where(p => p.MustBeSaid))
                json.WriteStringValue(parameter.Name);
            json.WriteEndArray();
            json.WriteBoolean("additionalProperties", false);
            json.WriteEndObject();
        }).Span);
    }

    /// <summary>What the model said, or the default, or JSON's null.</summary>
    public static JsonElement? Value(ToolParameter parameter, JsonElement arguments)
    {
        if (arguments.ValueKind == JsonValueKind.Object
            && arguments.TryGetProperty(parameter.Name, out JsonElement said)
            && said.ValueKind != JsonValueKind.Null)
        {
            return Fits(parameter.Type, said)
                ? said
                : throw new ToolException($"The argument '{parameter.Name}' must be of the type {Name(parameter.Type)}.");
        }

        if (parameter.MustBeSaid)
            throw new ToolException($"The argument '{parameter.Name}' is missing.");
        return parameter.Default;
    }

    private static void Check(string tool, IReadOnlyList<ToolParameter> parameters)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (ToolParameter parameter in parameters)
        {
            if (!IsName(parameter.Name))
                throw new ArgumentException(
                    $"The parameter '{parameter.Name}' of the tool '{tool}' needs a name of letters, digits and '_' that starts with no digit.");
            if (!names.Add(parameter.Name))
                throw new ArgumentException($"The tool '{tool}' has two parameters named '{parameter.Name}'.");
            if (parameter.Default is { } value && !Fits(parameter.Type, value))
                throw new ArgumentException(
                    $"The default of the parameter '{parameter.Name}' of the tool '{tool}' is not of the type {Name(parameter.Type)}.");
            if (parameter.Enum is { } values && (values.Count == 0 || values.Any(v => !Fits(parameter.Type, v))))
                throw new ArgumentException(
                    $"The values of the parameter '{parameter.Name}' of the tool '{tool}' must be some, each of the type {Name(parameter.Type)}.");
        }
    }

    private static void Write(Utf8JsonWriter json, ToolParameter parameter)
    {
        json.WriteStartObject();
        if (parameter.Description is { } description)
            json.WriteString("description", description);
        // Models say null for what they leave out.
        bool nullable = !parameter.Required && parameter.Default is null;
        if (nullable)
        {
            json.WriteStartArray("type");
            json.WriteStringValue(Name(parameter.Type));
            json.WriteStringValue("null");
            json.WriteEndArray();
        }
        else
        {
            json.WriteString("type", Name(parameter.Type));
        }

        if (parameter.Enum is { } values)
        {
            json.WriteStartArray("enum");
            foreach (JsonElement value in values)
                value.WriteTo(json);
            if (nullable)
                json.WriteNullValue();
            json.WriteEndArray();
        }

        Write(json, "minimum", parameter.Minimum);
        Write(json, "maximum", parameter.Maximum);
        Write(json, "minLength", parameter.MinLength);
        Write(json, "maxLength", parameter.MaxLength);
        if (parameter.Pattern is { } pattern)
            json.WriteString("pattern", pattern);
        if (parameter.Format is { } format)
            json.WriteString("format", format);
        if (parameter.Default is { } preset)
        {
            json.WritePropertyName("default");
            preset.WriteTo(json);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string keyword, decimal? value)
    {
        if (value is { } number)
            json.WriteNumber(keyword, number);
    }

    private static bool Fits(ToolParameterType type, JsonElement value) => type switch
    {
        ToolParameterType.String => value.ValueKind == JsonValueKind.String,
        ToolParameterType.Integer => value.ValueKind == JsonValueKind.Number && Integer(value) is not null,
        ToolParameterType.Number => value.ValueKind == JsonValueKind.Number,
        _ => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
    };

    /// <summary>A whole number of 64 bits, also when it is written as <c>3.0</c> or <c>3e2</c>, as JSON Schema allows.</summary>
    public static long? Integer(JsonElement value)
    {
        if (value.TryGetInt64(out long number))
            return number;
        return value.TryGetDecimal(out decimal exact) && decimal.IsInteger(exact) && exact is >= long.MinValue and <= long.MaxValue
            ? (long)exact
            : null;
    }

    private static string Name(ToolParameterType type) => type switch
    {
        ToolParameterType.String => "string",
        ToolParameterType.Integer => "integer",
        ToolParameterType.Number => "number",
        _ => "boolean",
    };
}
