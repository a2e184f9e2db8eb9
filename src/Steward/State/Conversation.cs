using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.State;

/// <summary>The conversation as the next request shows it, without the system prompt: a slice of the run's state.</summary>
public sealed record Conversation
{
    /// <summary>Tokens of the context that the last reported usage covers; 0 when none was reported.</summary>
    public long KnownTokens { get; init; }

    /// <summary>How many of the messages are within <see cref="KnownTokens"/>; those after them can only be estimated.</summary>
    public int CountedMessages { get; init; }

    /// <summary>The messages.</summary>
    [JsonInclude]
    internal AppendList<ChatMessage> Messages { get; init; } = AppendList<ChatMessage>.Empty;

    /// <summary>The running hash over <see cref="Messages"/>.</summary>
    [JsonInclude]
    internal ReadOnlyMemory<byte> Hash { get; init; } = JournalEntry.Origin;

    /// <summary>The conversation with one message more.</summary>
    internal Conversation Say(ChatMessage message) => this with
    {
        Messages = Messages.Add(message),
        Hash = MessageMapper.Chain(Hash.Span, message),
    };

    /// <summary>A conversation of these messages in place of this one; nothing of it has been counted yet.</summary>
    internal static Conversation Of(IEnumerable<ChatMessage> messages) =>
        messages.Aggregate(new Conversation(), (so, message) => so.Say(message));

    /// <summary>The conversation with a message before its last one.</summary>
    internal Conversation SayBeforeLast(ChatMessage message) => Of([.. Messages.Take(Messages.Count - 1), message, Messages[^1]]);

    /// <summary>The conversation whose tokens a provider has just reported.</summary>
    internal Conversation Counted(TokenUsage usage) => this with
    {
        KnownTokens = usage.Input + usage.Output,
        CountedMessages = Messages.Count,
    };
}
