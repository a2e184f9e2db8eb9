using System.Data.Common;
using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Text.Json;
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
        ArgumentReader reader = new(options);
        return AIFunctionFactory.Create(method, target, new AIFunctionFactoryOptions
        {
            Name = name,
            SerializerOptions = options,
            ExcludeResultSchema = true,
            ConfigureParameterBinding = parameter => Binding(parameter, reader),
            JsonSchemaCreateOptions = MethodSchema.Options,
            MarshalResult = (result, type, _) =>
                new ValueTask<object?>(result is ProbeResult ? result : ResultWriter.Output(result, type is null, options)),
        });
    }

    public static ToolHandler Handler(AIFunction function) => async (context, arguments, cancellationToken) =>
        ResultWriter.Output(
            await InvokeAsync(function, context, arguments, cancellationToken), IsVoid(function), function.JsonSerializerOptions);

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

    private static bool IsVoid(AIFunction function) =>
        function.UnderlyingMethod?.ReturnType is { } type && (type == typeof(void) || type == typeof(Task) || type == typeof(ValueTask));

    private static AIFunctionFactoryOptions.ParameterBindingOptions Binding(ParameterInfo parameter, ArgumentReader reader)
    {
        if (parameter.ParameterType == typeof(ToolContext))
            return new() { ExcludeFromSchema = true, BindParameter = (_, arguments) => arguments.Context![typeof(ToolContext)] };
        if (IsTransaction(parameter))
            return new()
            {
                ExcludeFromSchema = true,
                BindParameter = (_, arguments) => ((ToolContext)arguments.Context![typeof(ToolContext)]!).Transaction,
            };
        if (parameter.ParameterType == typeof(IServiceProvider))
            return new() { ExcludeFromSchema = true, BindParameter = static (_, arguments) => arguments.Services };
        if (parameter.IsDefined(typeof(FromHostAttribute)))
            return new() { ExcludeFromSchema = true, BindParameter = static (p, arguments) => Prepared(p, arguments, Service) };
        if (parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is { } keyed)
            return new()
            {
                ExcludeFromSchema = true,
                BindParameter = (p, arguments) => Prepared(p, arguments, (of, from) => KeyedService(of, keyed.Key, from)),
            };
        return IsFromRuntime(parameter) ? default : new() { BindParameter = reader.Read };
    }

    /// <summary>Gets what a method needs of the host. When that fails, the method was not entered: nothing happened.</summary>
    private static object? Prepared(
        ParameterInfo parameter, AIFunctionArguments arguments, Func<ParameterInfo, AIFunctionArguments, object?> get)
    {
        try
        {
            return get(parameter, arguments);
        }
        catch (Exception e) when (e is not ToolException)
        {
            throw new ToolException("The tool was not called: what it needs of its host could not be had. Its operator must mend that.", e);
        }
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

    private static JsonSerializerOptions Compact()
    {
        var options = new JsonSerializerOptions(AIJsonUtilities.DefaultOptions) { WriteIndented = false };
        options.MakeReadOnly();
        return options;
    }
}
