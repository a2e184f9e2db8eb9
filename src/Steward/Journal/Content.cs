using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary>One part of a message, as the journal keeps it.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "is")]
[JsonDerivedType(typeof(TextPart), "text")]
[JsonDerivedType(typeof(ReasoningPart), "reasoning")]
[JsonDerivedType(typeof(CallPart), "call")]
[JsonDerivedType(typeof(DataPart), "data")]
[JsonDerivedType(typeof(BlobPart), "blob")]
[JsonDerivedType(typeof(UriPart), "uri")]
[JsonDerivedType(typeof(OpaquePart), "opaque")]
public abstract record ContentPart
{
    /// <summary>Whose part it is, and what that model wants back with it; null when nobody does.</summary>
    public Opaque? Opaque { get; init; }
}

/// <summary>What a provider sent for itself. Nobody reads or changes it; it
/// goes back verbatim to where it came from, and nowhere else.</summary>
/// <param name="Origin">The wire, the address and the model that it came from.</param>
/// <param name="Data">The data, in a form that only the reader and the writer of that wire know; null when the origin says enough.</param>
public sealed record Opaque(string Origin, string? Data = null);

/// <summary>Text.</summary>
public sealed record TextPart(string Text) : ContentPart;

/// <summary>A model's reasoning; <paramref name="Protected"/> is the provider's opaque or signed form, which it wants back.</summary>
public sealed record ReasoningPart(string? Text, string? Protected) : ContentPart;

/// <summary>A tool call that a model asked for.</summary>
/// <param name="Id">The provider's call id, made unique within its message.</param>
/// <param name="Name">The tool's name, as the model wrote it.</param>
/// <param name="Arguments">The arguments as the model wrote them; null when they were not JSON.</param>
public sealed record CallPart(string Id, string Name, JsonElement? Arguments) : ContentPart
{
    /// <summary>The arguments' very text, where it is not that of <see cref="Arguments"/>: it goes back as it came.</summary>
    public string? Raw { get; init; }

    /// <summary>What the model wrote where JSON was due, cut to 1,000 characters.</summary>
    public string? Malformed { get; init; }

    /// <summary>True when the model gave this id to an earlier call of the same message too.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool DuplicateId { get; init; }
}

/// <summary>Bytes with a media type, for example an image.</summary>
public sealed record DataPart(string MediaType, byte[] Data) : ContentPart;

/// <summary>A large attachment that the store keeps apart from the journal, under its hash.</summary>
/// <remarks>Get one from <c>IStewardClient.PutBlobAsync</c>: what it says is checked against the store before a run takes it.</remarks>
/// <param name="MediaType">The attachment's media type.</param>
/// <param name="Hash">The SHA-256 under which the store has it: 64 lower-case hexadecimal digits.</param>
/// <param name="Length">How many bytes the attachment has.</param>
public sealed record BlobPart(string MediaType, string Hash, long Length) : ContentPart
{
    /// <summary>How many pages a PDF has; null for another type, or where that could not be found out.</summary>
    public int? Pages { get; init; }
}

/// <summary>A reference to content elsewhere.</summary>
public sealed record UriPart(string MediaType, Uri Uri) : ContentPart;

/// <summary>A part that only its provider understands; <see cref="ContentPart.Opaque"/> holds it.</summary>
public sealed record OpaquePart : ContentPart;
