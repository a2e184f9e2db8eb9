namespace Steward.JsonSchemas;

/// <summary>The outcome of one validation; the errors are empty exactly when the instance is valid.</summary>
/// <param name="IsValid">Whether the instance satisfies the schema.</param>
/// <param name="Errors">What is wrong, at most <see cref="JsonSchemaOptions.MaxErrors"/> of them.</param>
public sealed record SchemaResult(bool IsValid, IReadOnlyList<SchemaError> Errors)
{
    internal static SchemaResult Valid { get; } = new(true, []);
}

/// <summary>One reason why an instance does not satisfy its schema.</summary>
/// <param name="InstancePointer">JSON pointer to the wrong value; empty for the whole instance.</param>
/// <param name="SchemaPointer">JSON pointer to the keyword in the schema; preceded by <c>address#</c> in another document.</param>
/// <param name="Keyword">The keyword that failed.</param>
/// <param name="Message">One sentence with the expected and the actual, fit to be shown to a model.</param>
public sealed record SchemaError(string InstancePointer, string SchemaPointer, string Keyword, string Message);
