using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.Tools;

/// <summary>Makes tools of C# methods and of <see cref="AIFunction"/>s.</summary>
/// <remarks>
/// A method's parameters become the schema, with what their attributes of <c>System.ComponentModel</c> and <c>DataAnnotations</c> say.
/// <see cref="ToolContext"/>, <see cref="CancellationToken"/>, <see cref="IServiceProvider"/> and parameters marked
/// <see cref="FromHostAttribute"/> or <c>[FromKeyedServices]</c> are bound by the runtime; the model does not see them.
/// A string is the result as it is, a <see cref="ToolOutput"/> too, nothing is <c>done</c>, null where something was due is <c>null</c>,
/// an <see cref="AIContent"/> or bytes are content, anything else becomes JSON. Exceptions pass. Services come from a scope per call.
/// </remarks>
public static class ToolFactory
{
    private const DynamicallyAccessedMemberTypes Methods =
        DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.NonPublicMethods;

    /// <summary>Makes a tool of a method or lambda.</summary>
    /// <param name="method">The method; its <see cref="ToolAttribute"/>, if any, says what the tool is.</param>
    /// <param name="options">What to say otherwise than the attribute. A lambda needs a name.</param>
    /// <exception cref="ArgumentException">The method cannot be a tool; the message says why.</exception>
    public static ToolDefinition FromMethod(Delegate method, ToolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(method);
        return Make(method.Method, method.Target, options?.Probe?.Method, options?.Probe?.Target, options ?? new ToolOptions());
    }

    /// <summary>Makes a tool of each method of an object that has a <see cref="ToolAttribute"/>, with the probes among them.</summary>
    /// <exception cref="ArgumentException">There is none, or one cannot be a tool; the message says why.</exception>
    public static IReadOnlyList<ToolDefinition> FromType<[DynamicallyAccessedMembers(Methods)] T>(T instance)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(instance);
        return FromMethods(typeof(T), instance);
    }

    /// <summary>Makes a tool of each static method of a type that has a <see cref="ToolAttribute"/>, with the probes among them.</summary>
    /// <exception cref="ArgumentException">There is none, or one cannot be a tool; the message says why.</exception>
    public static IReadOnlyList<ToolDefinition> FromType([DynamicallyAccessedMembers(Methods)] Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return FromMethods(type, null);
    }

    /// <summary>Makes a tool of a function of Microsoft.Extensions.AI.</summary>
    /// <param name="function">The function; it finds the <see cref="ToolContext"/>
    /// in its arguments' <c>Context</c>, under its type.</param>
    /// <param name="effect">What it does to the world; a function does not say.</param>
    /// <param name="options">What else to say of it.</param>
    public static ToolDefinition FromAIFunction(AIFunction function, ToolEffect effect = ToolEffect.Unsafe, ToolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        options ??= new ToolOptions();
        options = options with { Effect = options.Effect ?? effect };
        JsonElement schema = function.JsonSchema is { ValueKind: JsonValueKind.Object } given && given.TryGetProperty("type", out _)
            ? function.JsonSchema
            : JsonElement.Parse("""{"type":"object"}""");
        ToolProbe? probe = options.Probe is { } method ? MethodBinder.Probe(method.Method, method.Target, options.Json) : null;
        return options.Define(
            options.Name ?? function.Name, options.Description ?? function.Description, schema, MethodBinder.Handler(function), probe);
    }

    private static List<ToolDefinition> FromMethods([DynamicallyAccessedMembers(Methods)] Type type, object? instance)
    {
        const BindingFlags All =
            BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.FlattenHierarchy;
        MethodInfo[] methods = [.. type.GetMethods(All).Where(m => m.IsStatic || instance is not null)];
        ILookup<string, MethodInfo> probes = methods
            .Where(m => m.IsDefined(typeof(ToolProbeAttribute)))
            .ToLookup(m => m.GetCustomAttribute<ToolProbeAttribute>()!.Tool, StringComparer.Ordinal);
        MethodInfo[] tools = [.. methods.Where(m => m.IsDefined(typeof(ToolAttribute)))];
        if (tools.Length == 0)
            throw new ArgumentException($"The type '{type}' has no {(instance is null ? "static " : "")}method with [Tool].", nameof(type));
        if (probes.FirstOrDefault(p => p.Count() > 1 || tools.Count(t => t.Name == p.Key) != 1) is { } odd)
            throw new ArgumentException(
                $"The type '{type}' needs exactly one [Tool] method and one [ToolProbe] method for '{odd.Key}'.",
                nameof(type));

        var made = new List<ToolDefinition>(tools.Length);
        foreach (MethodInfo method in tools)
        {
            MethodInfo? probe = probes[method.Name].FirstOrDefault();
            made.Add(
                Make(method, method.IsStatic ? null : instance, probe, probe is { IsStatic: false } ? instance : null, new ToolOptions()));
        }

        if (made.GroupBy(t => t.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"The type '{type}' has two tools named '{twice.Key}'; give one another name.", nameof(type));
        return made;
    }

    private static ToolDefinition Make(MethodInfo method, object? target, MethodInfo? probe, object? probeTarget, ToolOptions options)
    {
        options = options.Over(method.GetCustomAttribute<ToolAttribute>());
        string name = options.Name ?? NameOf(method);
        string description = options.Description ?? method.GetCustomAttribute<DescriptionAttribute>()?.Description ?? "";
        ParameterChecks.Check(name, method, options.Json ?? MethodBinder.DefaultJson);
        AIFunction function = MethodBinder.Bind(method, target, name, options.Json);
        ParameterChecks.Check(name, method, function.JsonSchema);
        ToolProbe? bound = null;
        if (probe is not null)
        {
            RequireSameArguments(name, method, probe);
            bound = MethodBinder.Probe(probe, probeTarget, options.Json);
        }

        if ((options.Effect ?? ToolEffect.Unsafe) != ToolEffect.Transactional
            && method.GetParameters().FirstOrDefault(MethodBinder.IsTransaction) is { } transaction)
            throw new ArgumentException(
                $"The tool '{name}' takes the journal's transaction ('{transaction.Name}'), but its effect is {options.Effect ?? ToolEffect.Unsafe}: say Effect = ToolEffect.Transactional.",
                nameof(method));
        return options.Define(name, description, MethodSchema.Close(function.JsonSchema, method), MethodBinder.Handler(function), bound);
    }

    private static void RequireSameArguments(string name, MethodInfo tool, MethodInfo probe)
    {
        foreach (ParameterInfo parameter in probe.GetParameters().Where(p => !MethodBinder.IsFromRuntime(p)))
        {
            if (!tool.GetParameters().Any(
                p => p.Name == parameter.Name && p.ParameterType == parameter.ParameterType && !MethodBinder.IsFromRuntime(p)))
                throw new ArgumentException(
                    $"The probe of the tool '{name}' has a parameter '{parameter.Name}' that the tool has not, or of another type.");
        }
    }

    private static string NameOf(MethodInfo method)
    {
        string name = method.Name;
        // A local function is compiled to '<Outer>g__Name|0_1', a lambda to '<Outer>b__0_1'.
        int local = name.IndexOf(">g__", StringComparison.Ordinal);
        if (local >= 0 && name.IndexOf('|', local) is > 0 and int end)
            name = name[(local + 4)..end];
        if (name.Contains('<', StringComparison.Ordinal))
            throw new ArgumentException("A lambda has no name to call it by: give one in the options.", nameof(method));
        if (name.EndsWith("Async", StringComparison.Ordinal) && name.Length > 5)
            name = name[..^5];
        return JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
    }
}
