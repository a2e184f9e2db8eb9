using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Steward.JsonSchemas;

/// <summary>The state of one validation. Without an error list it only answers yes or no, and allocates next to nothing.</summary>
/// <remarks>
/// Everything has a bound: the depth of the instance, references that consume nothing, the number of steps and the
/// stack. Passing one stops the whole validation, and a stopped validation is never valid, whatever "not" makes of it.
/// </remarks>
internal struct Evaluation(JsonSchemaOptions options, bool tracksScope, List<SchemaError>? errors)
{
    private const int MaxInPlace = 128;
    private const int MaxSteps = 5_000_000;

    private readonly int _maxDepth = options.MaxDepth;
    private readonly int _maxErrors = options.MaxErrors;
    private int _depth;
    private int _inPlace;
    private int _steps;
    private InstancePath? _path;

    public List<SchemaError>? Errors { get; set; } = errors;

    public DynamicScope? Scope { get; set; }

    public bool Stopped { get; private set; }

    public SchemaError? Reason { get; private set; }

    public readonly bool Collects => Errors is not null;

    public readonly bool TracksScope => tracksScope;

    public readonly string Pointer => InstancePath.Pointer(_path);

    /// <summary>How a message calls the current value: "filters.limit", or "The value" at the root.</summary>
    public readonly string Subject => InstancePath.Subject(_path);

    public bool Enter(SchemaNode node)
    {
        if (Stopped)
            return false;

        _inPlace++;
        if (_inPlace > MaxInPlace)
            return Stop(node, "$ref", "The schema refers to itself without an end here; remove the cycle of references.");
        if (++_steps > MaxSteps)
            return Stop(node, "$ref", "The validation takes too many steps; simplify the schema or send a smaller value.");
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            return Stop(node, "$ref", "The value nests too deep for this schema; send a flatter value.");
        return true;
    }

    public void Leave() => _inPlace--;

    public bool Item(SchemaNode node, JsonElement item, int index) =>
        Descend(node, item, Collects ? new InstancePath(_path, index.ToString(CultureInfo.InvariantCulture), true) : null);

    public bool Member(SchemaNode node, JsonProperty member) =>
        Descend(node, member.Value, Collects ? new InstancePath(_path, member.Name, false) : null);

    /// <summary>A place one level below the current value, for an error about a member that has no schema.</summary>
    public bool FailMember(Keyword keyword, JsonProperty member, string message) =>
        FailBelow(keyword, Collects ? new InstancePath(_path, member.Name, false) : null, message);

    public bool FailItem(Keyword keyword, int index, string message) =>
        FailBelow(keyword, Collects ? new InstancePath(_path, index.ToString(CultureInfo.InvariantCulture), true) : null, message);

    public readonly bool Fail(Keyword keyword, string message)
    {
        Report(keyword.Pointer, keyword.Name, message);
        return false;
    }

    public readonly void Report(string schemaPointer, string keyword, string message)
    {
        if (Errors is not null && Errors.Count < _maxErrors)
            Errors.Add(new(Pointer, schemaPointer, keyword, message));
    }

    public readonly void Forward(List<SchemaError> errors)
    {
        foreach (SchemaError error in errors.Take(Math.Max(0, _maxErrors - Errors!.Count)))
            Errors.Add(error);
    }

    public bool StopAtPattern(string schemaPointer, RegexMatchTimeoutException timeout) =>
        Stop(
            schemaPointer,
            "pattern",
            $"{Subject} takes too long to match the pattern \"{JsonValues.Shorten(timeout.Pattern)}\"; send a shorter value.");

    public bool Stop(SchemaNode node, string keyword, string message) => Stop(node.Display, keyword, message);

    public bool Stop(string schemaPointer, string keyword, string message)
    {
        Stopped = true;
        Reason ??= new(Pointer, schemaPointer, keyword, message);
        return false;
    }

    private bool Descend(SchemaNode node, JsonElement value, InstancePath? path)
    {
        if (_depth >= _maxDepth)
            return Stop(node, "maxDepth", $"The value nests deeper than {_maxDepth} levels; send a flatter value.");

        (int inPlace, InstancePath? parent) = (_inPlace, _path);
        (_inPlace, _path) = (0, path);
        _depth++;
        bool valid = node.Evaluate(ref this, value, null);
        _depth--;
        (_inPlace, _path) = (inPlace, parent);
        return valid;
    }

    private bool FailBelow(Keyword keyword, InstancePath? path, string message)
    {
        InstancePath? parent = _path;
        _path = path;
        Report(keyword.Pointer, keyword.Name, message);
        _path = parent;
        return false;
    }
}

/// <summary>The schema resources entered so far, innermost first; $dynamicRef looks for the outermost that answers.</summary>
internal sealed record DynamicScope(DynamicScope? Outer, SchemaResource Resource)
{
    public SchemaNode? Find(string anchor)
    {
        SchemaNode? found = null;
        for (DynamicScope? scope = this; scope is not null; scope = scope.Outer)
            found = scope.Resource.DynamicAnchors.GetValueOrDefault(anchor) ?? found;
        return found;
    }
}

/// <summary>Where in the instance a validation is; only kept while errors are collected.</summary>
internal sealed record InstancePath(InstancePath? Parent, string Token, bool IsIndex)
{
    public static string Pointer(InstancePath? path)
    {
        StringBuilder text = new();
        for (; path is not null; path = path.Parent)
            text.Insert(0, "/" + JsonPointer.Escape(path.Token));
        return text.ToString();
    }

    public static string Subject(InstancePath? path)
    {
        if (path is null)
            return "The value";

        StringBuilder text = new();
        for (; path is not null; path = path.Parent)
            text.Insert(0, path.IsIndex ? $"[{path.Token}]" : path.Parent is null ? path.Token : "." + path.Token);
        return $"\"{JsonValues.Shorten(text.ToString())}\"";
    }
}

internal static class JsonPointer
{
    public static string Escape(string token) =>
        token.AsSpan().IndexOfAny('~', '/') < 0
            ? token
            : token.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    public static string Unescape(string token) =>
        token.Contains('~', StringComparison.Ordinal)
            ? token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)
            : token;
}
