using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Puts the bytes of attachments into a request just before it is sent.</summary>
/// <remarks>A message that has one is replaced once and kept with the original,
/// so a provider's client serialises it once in a run.</remarks>
internal sealed class AttachmentLoader(IBlobStore store)
{
    private readonly ConditionalWeakTable<ChatMessage, ChatMessage> _loaded = [];

    /// <exception cref="JournalException">An attachment is not in the store any more.</exception>
    public async ValueTask<ModelRequest> LoadAsync(ModelRequest request, RunState state, CancellationToken cancellationToken)
    {
        if (!request.Messages.Any(HasBlob))
            return request;
        var messages = new ChatMessage[request.Messages.Count];
        for (int i = 0; i < messages.Length; i++)
        {
            messages[i] = request.Messages[i];
            if (HasBlob(messages[i]))
                messages[i] = await LoadAsync(messages[i], state, cancellationToken);
        }

        return request with { Messages = messages };
    }

    private static bool HasBlob(ChatMessage message)
    {
        foreach (AIContent content in message.Contents)
        {
            if (content is BlobContent)
                return true;
        }

        return false;
    }

    private async ValueTask<ChatMessage> LoadAsync(ChatMessage message, RunState state, CancellationToken cancellationToken)
    {
        if (_loaded.TryGetValue(message, out ChatMessage? known))
            return known;
        List<AIContent> contents = [];
        foreach (AIContent content in message.Contents)
            contents.Add(content is BlobContent blob ? await ReadAsync(blob.Part, state, cancellationToken) : content);
        var loaded = new ChatMessage(message.Role, contents);
        _loaded.AddOrUpdate(message, loaded);
        return loaded;
    }

    private async ValueTask<DataContent> ReadAsync(BlobPart part, RunState state, CancellationToken cancellationToken) =>
        await store.GetAsync(part.Hash, cancellationToken) is { } blob
        && Attachment.Read(part.Hash, blob) is { } attachment
        && attachment.Tenant == state.Started.Tenant
            ? new DataContent(attachment.Content, part.MediaType)
            : throw new JournalException(
                $"The attachment {part.Hash} ({part.MediaType}, {part.Length} bytes) of run {state.Run} "
                + "is not in the store for its tenant. Restore the database from a backup.") { Run = state.Run };
}
