using System.Globalization;
using System.Numerics;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;

namespace Steward.Tools;

/// <summary>Reads a call's arguments for the parameters of a method.</summary>
/// <remarks>What the schema could not rule out (a date that is none) is the model's mistake, before any effect.</remarks>
internal sealed class ArgumentReader(JsonSerializerOptions json)
{
    private readonly JsonSerializerOptions _finite = Finite(json);

    public object? Read(ParameterInfo parameter, AIFunctionArguments arguments)
    {
        if (!arguments.TryGetValue(parameter.Name!, out object? value))
        {
            return parameter.HasDefaultValue
                ? DefaultOf(parameter)
                : throw new ToolException($"The argument '{parameter.Name}' is missing.");
        }

        if (value is not JsonElement element)
            return value;
        if (parameter.ParameterType == typeof(JsonElement))
            return element;
        try
        {
            return IntegralNumbers.Plain(element).Deserialize(TypeInfoOf(parameter.ParameterType));
        }
        catch (Exception e) when (e is not (ToolException or OutOfMemoryException))
        {
            throw new ToolException(
                $"The argument '{parameter.Name}' cannot be read as {ResultWriter.NameOf(parameter.ParameterType)}: {Short(element.GetRawText())}",
                e);
        }
    }

    private JsonTypeInfo TypeInfoOf(Type type)
    {
        try
        {
            return _finite.GetTypeInfo(type);
        }
        catch (InvalidOperationException)
        {
            return json.GetTypeInfo(type); // A number handling of its own does not go with a converter.
        }
    }

    private static JsonSerializerOptions Finite(JsonSerializerOptions json)
    {
        var finite = new JsonSerializerOptions(json);
        finite.Converters.Add(new FiniteConverter<double>());
        finite.Converters.Add(new FiniteConverter<float>());
        finite.Converters.Add(new FiniteConverter<Half>());
        finite.MakeReadOnly();
        return finite;
    }

    // Null for a value type, as in 'DateTime when = default', is that type's default once it is passed by reflection.
    private static object? DefaultOf(ParameterInfo parameter) =>
        parameter.DefaultValue is { } value && Nullable.GetUnderlyingType(parameter.ParameterType) is { IsEnum: true } optional
            ? Enum.ToObject(optional, value)
            : parameter.DefaultValue;

    private static string Short(string text) => text.Length <= 100 ? text : string.Concat(text.AsSpan(0, 100), "…");

    /// <summary>Refuses a number that .NET would read as infinity, without a word.</summary>
    private sealed class FiniteConverter<T> : JsonConverter<T>
        where T : struct, IFloatingPointIeee754<T>
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.Number)
                return T.CreateTruncating(reader.GetDouble()) is var value && T.IsFinite(value)
                    ? value
                    : throw new JsonException($"The number is larger than any {typeof(T).Name}.");
            bool readsText = options.NumberHandling.HasFlag(JsonNumberHandling.AllowReadingFromString);
            bool readsNames = options.NumberHandling.HasFlag(JsonNumberHandling.AllowNamedFloatingPointLiterals);
            if (reader.TokenType == JsonTokenType.String
                && T.TryParse(
                    reader.GetString(),
                    NumberStyles.Float,
                    CultureInfo.InvariantCulture,
                    out T given)
                && (T.IsFinite(given) ? readsText : readsNames))
                return given;
            throw new JsonException($"It is not a {typeof(T).Name}.");
        }

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
            writer.WriteNumberValue(double.CreateChecked(value));
    }
}
