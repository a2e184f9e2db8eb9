namespace Steward.Storage;

/// <summary>Something that came from outside is refused: a store, a journal or a model's wire could not represent it.</summary>
public sealed class InvalidInputException : ArgumentException
{
    /// <summary>Creates the error.</summary>
    /// <param name="field">The field, as the HTTP API calls it, for example <c>input[0].mediaType</c>.</param>
    /// <param name="message">What is wrong with it, and what to write instead.</param>
    public InvalidInputException(string field, string message)
        : base(message) => Field = field;

    /// <summary>The field, as the HTTP API calls it, for example <c>input[0].mediaType</c>.</summary>
    public string Field { get; }
}
