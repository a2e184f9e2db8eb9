using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Steward.Tools;

/// <summary>Finds parameters that no model could fill in: those whose type says nothing, or that no JSON can become.</summary>
internal static class ParameterChecks
{
    private const string Remedy =
        "Give it a type with properties, a list or a simple type; JsonElement for any JSON; or mark it [FromHost] where it is a service of the host.";

    private static readonly string[] s_speaking = ["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"];

    /// <summary>Checks what must hold before a schema is made: types for which there can be none.</summary>
    /// <exception cref="ArgumentException">A parameter has such a type; the message names both, and the remedy.</exception>
    public static void Check(string tool, MethodInfo method, JsonSerializerOptions json)
    {
        foreach (ParameterInfo parameter in method.GetParameters().Where(p => !MethodBinder.IsFromRuntime(p)))
        {
            if (parameter.ParameterType.IsByRef || parameter.ParameterType.IsPointer || !IsReadable(parameter.ParameterType, json))
                throw Unusable(tool, parameter);
        }
    }

    /// <summary>Checks the schema that was made.</summary>
    /// <exception cref="ArgumentException">It says nothing of a parameter; the message names it, and the remedy.</exception>
    public static void Check(string tool, MethodInfo method, JsonElement schema)
    {
        foreach (ParameterInfo parameter in method.GetParameters().Where(p => !MethodBinder.IsFromRuntime(p)))
        {
            if (!IsAnyJson(parameter.ParameterType)
                && schema.TryGetProperty("properties", out JsonElement properties)
                && properties.TryGetProperty(parameter.Name!, out JsonElement node)
                && !Speaks(node))
                throw Unusable(tool, parameter);
        }
    }

    private static bool IsReadable(Type type, JsonSerializerOptions json)
    {
        if (IsAnyJson(type))
            return true;
        if (typeof(Delegate).IsAssignableFrom(type) || type == typeof(object) || typeof(MemberInfo).IsAssignableFrom(type))
            return false;
        try
        {
            JsonTypeInfo info = json.GetTypeInfo(type);
            return info.Kind switch
            {
                JsonTypeInfoKind.Object => !(type.IsInterface || type.IsAbstract) || info.PolymorphismOptions is not null,
                JsonTypeInfoKind.Enumerable or JsonTypeInfoKind.Dictionary =>
                    info.ElementType is not { } element || IsReadable(element, json),
                _ => true,
            };
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool IsAnyJson(Type type) =>
        type == typeof(JsonElement) || type == typeof(JsonDocument) || typeof(JsonNode).IsAssignableFrom(type)
        || Nullable.GetUnderlyingType(type) == typeof(JsonElement);

    private static bool Speaks(JsonElement node) =>
        node.ValueKind == JsonValueKind.Object && s_speaking.Any(k => node.TryGetProperty(k, out _));

    private static ArgumentException Unusable(string tool, ParameterInfo parameter) => new(
        $"The parameter '{parameter.Name}' of the tool '{tool}' has the type {parameter.ParameterType}, which has no schema: a model could not know what to send. {Remedy}");
}
