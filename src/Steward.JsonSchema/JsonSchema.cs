using System.Text.Json;

namespace Steward.JsonSchemas;

/// <summary>A JSON Schema (draft 2020-12), compiled once and safe to use from any thread.</summary>
/// <remarks>
/// A schema becomes a graph of <see cref="SchemaNode"/>s before the first validation; a validation walks it with an
/// <see cref="Evaluation"/> on the stack. It first asks only yes or no, and walks again for the reasons after a no. The common valid call
/// therefore pays for neither paths nor messages.
/// </remarks>
public sealed class JsonSchema
{
    private readonly SchemaNode _root;
    private readonly JsonSchemaOptions _options;
    private readonly bool _tracksScope;

    private JsonSchema(SchemaNode root, JsonSchemaOptions options, bool tracksScope)
    {
        _root = root;
        _options = options;
        _tracksScope = tracksScope;
    }

    /// <summary>The schema as it was given.</summary>
    public JsonElement Source => _root.Element;

    /// <summary>Compiles a schema, or says what is wrong with it.</summary>
    /// <param name="schema">An object or a boolean; it is copied, so its document may be disposed.</param>
    /// <param name="options">Limits, formats and remote schemas; the defaults suit tools.</param>
    /// <exception cref="JsonSchemaException">The schema is invalid or refers to something that cannot be found.</exception>
    public static JsonSchema Parse(JsonElement schema, JsonSchemaOptions? options = null)
    {
        options ??= JsonSchemaOptions.Default;
        SchemaIndex index = new(options);
        SchemaNode root = index.AddRoot(schema.Clone());
        new SchemaCompiler(index, options).Compile(root);
        return new(root, options, index.DynamicAnchors.Count > 0);
    }

    /// <summary>Validates a value and says everything that is wrong with it.</summary>
    /// <param name="instance">The value.</param>
    public SchemaResult Validate(JsonElement instance)
    {
        if (IsValid(instance))
            return SchemaResult.Valid;

        List<SchemaError> errors = [];
        Evaluation run = new(_options, _tracksScope, errors);
        Evaluate(ref run, instance);
        if (run.Reason is { } reason)
            errors.Insert(0, reason);
        return new(false, errors);
    }

    /// <summary>Validates a value without saying why; the fast path for values that are mostly valid.</summary>
    /// <param name="instance">The value.</param>
    public bool IsValid(JsonElement instance)
    {
        Evaluation run = new(_options, _tracksScope, null);
        return Evaluate(ref run, instance);
    }

    private bool Evaluate(ref Evaluation run, JsonElement instance)
    {
        try
        {
            return _root.Evaluate(ref run, instance, null) && !run.Stopped;
        }
        catch (InvalidOperationException)
        {
            return run.Stop(_root, "type", $"{run.Subject} contains text that is not valid Unicode; send whole surrogate pairs.");
        }
    }
}
