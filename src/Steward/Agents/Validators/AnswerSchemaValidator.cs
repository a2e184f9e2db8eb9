using System.Text.Json;
using Steward.JsonSchemas;

namespace Steward.Agents;

/// <summary>Checks that the answer is JSON that is valid against a schema.
/// Says nothing about the world: use it beside one that does.</summary>
public sealed class AnswerSchemaValidator : IValidator
{
    private const int MaxErrors = 5;
    private readonly JsonSchema _schema;

    /// <summary>Makes the validator.</summary>
    /// <param name="name">Its name, unique within the agent.</param>
    /// <param name="schema">JSON Schema 2020-12.</param>
    /// <exception cref="ArgumentException">The schema is not valid.</exception>
    public AnswerSchemaValidator(string name, JsonElement schema)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
        try
        {
            _schema = JsonSchema.Parse(schema);
        }
        catch (JsonSchemaException e)
        {
            throw new ArgumentException($"The schema of the validator '{name}' is not valid: {e.Message}", nameof(schema), e);
        }

        Description = $"The answer is JSON and valid against {schema.GetRawText()}.";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public ValueTask<Finding> ValidateAsync(ValidationContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new ValueTask<Finding>(Look(context.Answer));
    }

    private Finding Look(string answer)
    {
        JsonElement value;
        try
        {
            value = JsonElement.Parse(answer);
        }
        catch (JsonException e)
        {
            return Finding.Failed($"The answer is not JSON alone ({e.Message}): \"{JsonMatch.Short(answer)}\".");
        }

        SchemaResult result = _schema.Validate(value);
        if (result.IsValid)
            return Finding.Passed("The answer is JSON and valid against the schema.");
        IEnumerable<string> errors = result.Errors.Take(MaxErrors).Select(e => $"at '{e.InstancePointer}': {e.Message}");
        return Finding.Failed(
            $"The answer breaks the schema: {string.Join("; ", errors)}{(result.Errors.Count > MaxErrors ? "; …" : ".")}");
    }
}
