using Microsoft.Extensions.AI;

namespace Steward.Journal;

/// <summary>Content that only its provider understands, on its way between a chat client and the journal.</summary>
/// <remarks>
/// A chat client gives it as content of its own, or attaches it to content that everybody reads. The runtime keeps it unread and gives it
/// back with the
/// message. A client sends back what has its own origin, and leaves out the rest.
/// </remarks>
/// <param name="opaque">The data and its origin.</param>
public sealed class OpaqueContent(Opaque opaque) : AIContent
{
    /// <summary>The additional property under which the text of a call's arguments is kept as it came.</summary>
    public const string RawArguments = "raw_arguments";

    private const string Key = "steward.opaque";

    /// <summary>The data and its origin.</summary>
    public Opaque Opaque { get; } = opaque;

    /// <summary>What is attached to a content, or what it consists of; null when there is nothing.</summary>
    public static Opaque? Of(AIContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        if (content is OpaqueContent whole)
            return whole.Opaque;
        return content.AdditionalProperties?.TryGetValue(Key, out Opaque? attached) == true ? attached : null;
    }

    /// <summary>Attaches data to a content.</summary>
    public static T Attach<T>(T content, Opaque? opaque)
        where T : AIContent
    {
        ArgumentNullException.ThrowIfNull(content);
        if (opaque is not null)
            (content.AdditionalProperties ??= [])[Key] = opaque;
        return content;
    }
}
