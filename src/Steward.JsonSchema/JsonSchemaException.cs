namespace Steward.JsonSchemas;

/// <summary>A schema cannot be used; <see cref="Exception.Message"/> names the place and the remedy.</summary>
public sealed class JsonSchemaException : FormatException
{
    /// <summary>Creates the error.</summary>
    /// <param name="schemaPointer">JSON pointer to the wrong keyword in the schema.</param>
    /// <param name="message">What is wrong, and what to do.</param>
    /// <param name="innerException">The cause, if any.</param>
    public JsonSchemaException(string schemaPointer, string message, Exception? innerException = null)
        : base($"The schema is invalid at \"{schemaPointer}\": {message}", innerException) => SchemaPointer = schemaPointer;

    /// <summary>JSON pointer to the wrong keyword; preceded by <c>address#</c> in another document.</summary>
    public string SchemaPointer { get; }
}
