using System.Text.Json;

namespace Steward.JsonSchemas;

/// <summary>How a schema is compiled and how far a validation may go.</summary>
public sealed record JsonSchemaOptions
{
    /// <summary>Whether <c>format</c> rejects a value; when false it is only a note.</summary>
    /// <value>True by default.</value>
    public bool AssertFormat { get; init; } = true;

    /// <summary>Whether <c>date-time</c> and <c>time</c> take the second 60, as RFC 3339 does; .NET and most databases do not.</summary>
    /// <value>True by default.</value>
    public bool LeapSeconds { get; init; } = true;

    /// <summary>Finds a schema document by its absolute address; null means that it does not exist.</summary>
    /// <value>None by default: a reference to another document is then an error. Draft 2020-12 itself is built in.</value>
    public Func<Uri, JsonElement?>? Resolve { get; init; }

    /// <summary>How many levels an instance may nest.</summary>
    /// <value>64 by default.</value>
    public int MaxDepth { get; init; } = 64;

    /// <summary>How many errors one validation reports.</summary>
    /// <value>20 by default.</value>
    public int MaxErrors { get; init; } = 20;

    /// <summary>The address against which relative references of the schema are resolved.</summary>
    public Uri? BaseUri { get; init; }

    internal static JsonSchemaOptions Default { get; } = new();
}
