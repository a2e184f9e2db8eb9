using Microsoft.Extensions.AI;

namespace Steward.Providers;

// Tool calls wait, with all that follows them, until the provider has said that the turn is finished: of a stream that breaks off
// nobody may start a tool. Text is not held back.
internal abstract class ProviderStream
{
    private readonly List<ChatResponseUpdate> _held = [];

    /// <summary>Whether the provider has stated why the turn ended.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>The usage that has been reported so far.</summary>
    public UsageDetails? Usage { get; protected set; }

    /// <summary>Reads an update, and brings it into the runtime's terms.</summary>
    public void Observe(ChatResponseUpdate update)
    {
        IsFinished |= update.FinishReason is not null;
        Read(update);
    }

    /// <summary>What may be handed out now.</summary>
    public IReadOnlyList<ChatResponseUpdate> Take(ChatResponseUpdate update)
    {
        _held.Add(update);
        if (!IsFinished && _held.Any(held => held.Contents.Any(content => content is FunctionCallContent)))
            return [];

        ChatResponseUpdate[] ready = [.. _held];
        _held.Clear();
        return ready;
    }

    /// <summary>Reads what only the vendor's own event says.</summary>
    protected abstract void Read(ChatResponseUpdate update);
}
