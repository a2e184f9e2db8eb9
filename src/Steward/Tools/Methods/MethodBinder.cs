using System.Data.Common;
using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Steward.Tools;

/// <summary>Binds a call's arguments to a method's parameters and its result to text.</summary>
internal static class MethodBinder
{
    /// <summary>How arguments are read and results are written where nothing else is said.</summary>
    public static JsonSerializerOptions DefaultJson { get; } = Compact();

    public static AIFunction Bind(MethodInfo method, object? target, string name, JsonSerializerOptions? json)
    {
        JsonSerializerOptions options = json ?? DefaultJson;
        return AIFunctionFactory.Create(method, target, new AIFunctionFactoryOptions
        {
            Name = name,
            SerializerOptions = options,
            ExcludeResultSchema = true,
            ConfigureParameterBinding = parameter => Binding(parameter, options),
            JsonSchemaCreateOptions = MethodSchema.Options,
            MarshalResult = (result, _, _) => new ValueTask<object?>(result is ProbeResult ? result : Output(result, options)),
        });
    }

    public static ToolHandler Handler(AIFunction function) => async (context, arguments, cancellationToken) =>
        Output(await InvokeAsync(function, context, arguments, cancellationToken), function.JsonSerializerOptions);

    public static ToolProbe Probe(MethodInfo method, object? target, JsonSerializerOptions? json)
    {
        Type result = method.ReturnType;
        if (result.IsGenericType
            && (result.GetGenericTypeDefinition() == typeof(Task<>) || result.GetGenericTypeDefinition() == typeof(ValueTask<>)))
            result = result.GetGenericArguments()[0];
        if (result != typeof(ProbeResult))
            throw new ArgumentException(
                $"The probe '{method.Name}' returns {result.Name}; it must return a ProbeResult, or a task of one.",
                nameof(method));
        AIFunction function = Bind(method, target, "probe", json);
        return async (context, arguments, cancellationToken) =>
            (ProbeResult)(await InvokeAsync(function, context, arguments, cancellationToken))!;
    }

    public static bool IsFromRuntime(ParameterInfo parameter) =>
        parameter.ParameterType == typeof(ToolContext)
        || IsTransaction(parameter)
        || parameter.ParameterType == typeof(CancellationToken)
        || parameter.ParameterType == typeof(IServiceProvider)
        || parameter.ParameterType == typeof(AIFunctionArguments)
        || parameter.IsDefined(typeof(FromHostAttribute))
        || parameter.IsDefined(typeof(FromKeyedServicesAttribute));

    /// <summary>Whether it is the journal's transaction, as such or as its driver calls it.</summary>
    public static bool IsTransaction(ParameterInfo parameter) => typeof(DbTransaction).IsAssignableFrom(parameter.ParameterType);

    private static async ValueTask<object?> InvokeAsync(
        AIFunction function,
        ToolContext context,
        JsonElement arguments,
        CancellationToken cancellationToken)
    {
        var given = new AIFunctionArguments
        {
            Services = context.Services,
            Context = new Dictionary<object, object?> { [typeof(ToolContext)] = context },
        };
        if (arguments.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in arguments.EnumerateObject())
                given[property.Name] = property.Value;
        }

        try
        {
            return await function.InvokeAsync(given, cancellationToken);
        }
        catch (TargetInvocationException e) when (e.InnerException is { } inner)
        {
            ExceptionDispatchInfo.Throw(inner);
            throw;
        }
    }

    private static AIFunctionFactoryOptions.ParameterBindingOptions Binding(ParameterInfo parameter, JsonSerializerOptions json)
    {
        if (parameter.ParameterType == typeof(ToolContext))
            return new() { ExcludeFromSchema = true, BindParameter = (_, arguments) => arguments.Context![typeof(ToolContext)] };
        if (IsTransaction(parameter))
            return new()
            {
                ExcludeFromSchema = true,
                BindParameter = (_, arguments) => ((ToolContext)arguments.Context![typeof(ToolContext)]!).Transaction,
            };
        if (parameter.IsDefined(typeof(FromHostAttribute)))
            return new() { ExcludeFromSchema = true, BindParameter = Service };
        if (parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is { } keyed)
            return new() { ExcludeFromSchema = true, BindParameter = (p, arguments) => KeyedService(p, keyed.Key, arguments) };
        return IsFromRuntime(parameter) ? default : new() { BindParameter = (p, arguments) => Argument(p, arguments, json) };
    }

    private static object? Service(ParameterInfo parameter, AIFunctionArguments arguments) =>
        arguments.Services?.GetService(parameter.ParameterType)
        ?? (parameter.HasDefaultValue
            ? parameter.DefaultValue
            : throw new InvalidOperationException($"The host has no service '{parameter.ParameterType}' for the parameter '{parameter.Name}' of the method '{parameter.Member.Name}'."));

    private static object? KeyedService(ParameterInfo parameter, object? key, AIFunctionArguments arguments) =>
        (arguments.Services as IKeyedServiceProvider)?.GetKeyedService(parameter.ParameterType, key)
        ?? (parameter.HasDefaultValue
            ? parameter.DefaultValue
            : throw new InvalidOperationException($"The host has no service '{parameter.ParameterType}' with the key '{key}' for the method '{parameter.Member.Name}'."));

    /// <summary>Reads an argument. What the schema could not rule out (a date
    /// that is none) is the model's mistake, before any effect.</summary>
    private static object? Argument(ParameterInfo parameter, AIFunctionArguments arguments, JsonSerializerOptions json)
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
            return element.Deserialize(json.GetTypeInfo(parameter.ParameterType));
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            // JSON Schema takes 3.0 and 1e2 for integers; the serializer does not.
            if (IntegralNumbers.Plain(element) is { } plain && TryRead(plain, parameter.ParameterType, json, out object? read))
                return read;
            throw new ToolException(
                $"The argument '{parameter.Name}' cannot be read as {NameOf(parameter.ParameterType)}: {Short(element.GetRawText())}",
                e);
        }
    }

    private static bool TryRead(JsonElement element, Type type, JsonSerializerOptions json, out object? value)
    {
        try
        {
            value = element.Deserialize(json.GetTypeInfo(type));
            return true;
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            value = null;
            return false;
        }
    }

    private static bool IsUnreadable(Exception e) => e is JsonException or FormatException or ArgumentException or OverflowException;

    // Null for a value type, as in 'DateTime when = default', is that type's default once it is passed by reflection.
    private static object? DefaultOf(ParameterInfo parameter) =>
        parameter.DefaultValue is { } value && Nullable.GetUnderlyingType(parameter.ParameterType) is { IsEnum: true } optional
            ? Enum.ToObject(optional, value)
            : parameter.DefaultValue;

    private static ToolOutput Output(object? result, JsonSerializerOptions json) => result switch
    {
        ToolOutput output => output,
        null => new ToolOutput("done"),
        string text => new ToolOutput(text),
        JsonElement { ValueKind: JsonValueKind.String } element => new ToolOutput(element.GetString()!),
        JsonElement { ValueKind: JsonValueKind.Undefined } => new ToolOutput("done"),
        JsonElement element => new ToolOutput(JsonText.Write(element.WriteTo)),
        JsonNode node => new ToolOutput(JsonText.Write(writer => node.WriteTo(writer))),
        TextContent content => new ToolOutput(content.Text),
        _ => new ToolOutput(Written(result, json)),
    };

    /// <summary>A result as JSON. The call has been made by now, so a result that
    /// cannot be written (NaN, a cycle) must not make its outcome unknown.</summary>
    private static string Written(object result, JsonSerializerOptions json)
    {
        try
        {
            return JsonSerializer.Serialize(result, json.GetTypeInfo(result.GetType()));
        }
        catch (Exception e) when (e is not (OutOfMemoryException or InsufficientExecutionStackException))
        {
            return $"done; the result of the type {NameOf(result.GetType())} cannot be written as JSON ({e.GetType().Name})";
        }
    }

    private static JsonSerializerOptions Compact()
    {
        var options = new JsonSerializerOptions(AIJsonUtilities.DefaultOptions) { WriteIndented = false };
        options.MakeReadOnly();
        return options;
    }

    private static string NameOf(Type type) => (Nullable.GetUnderlyingType(type) ?? type).Name;

    private static string Short(string text) => text.Length <= 100 ? text : string.Concat(text.AsSpan(0, 100), "…");
}
