using System.Globalization;
using System.Text;
using Steward.Agents;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>What was said before in a run's session: journaled when the run is first claimed, so that a replay sees the same.</summary>
/// <remarks>The newest exchanges come first into the room that there is; what
/// finds none is counted in the event, and the model is told.</remarks>
internal sealed class SessionHistory(IRunStore store) : IContextSource
{
    private const int MaxRuns = 20;
    private const int MaxBytes = 32 * 1024;

    /// <summary>Tokens that attachments of earlier exchanges may have, together.</summary>
    private const long MaxAttachmentTokens = 60_000;

    /// <summary>Bytes within a message are copied into every later journal of the session: so many count as a token.</summary>
    private const int CopiedBytesPerToken = 16;

    private const string MessageReceived = "message.received";

    /// <inheritdoc/>
    public string Name => "session_history";

    /// <summary>The last exchanges of the session, oldest first.</summary>
    public async ValueTask<IReadOnlyList<ContextEvent>> ReadAsync(ContextRequest request, CancellationToken cancellationToken)
    {
        RunState state = request.State;
        if (request.Turn > 0 || state.Started is not { Session: { } session, Parent: null, Origin: null })
            return [];
        var query = new RunQuery
        {
            Tenant = state.Started.Tenant,
            Session = session,
            RootsOnly = true,
            Statuses = StatusRules.Ended,
        };
        IReadOnlyList<RunInfo> runs = await store.FindAsync(query, cancellationToken);
        if (runs.Count == 0)
            return [];

        // The store's clock compares with itself: the run's own first entry has the time of whoever started it.
        IReadOnlyList<RunInfo> own = await store.FindAsync(new RunQuery { Run = state.Run, Limit = 1 }, cancellationToken);
        DateTimeOffset begun = own is [var row] ? row.CreatedAt : state.StartedAt;
        return await FillAsync([.. runs.Where(r => r.Run != state.Run && r.CreatedAt <= begun)], cancellationToken);
    }

    private async ValueTask<IReadOnlyList<ContextEvent>> FillAsync(IReadOnlyList<RunInfo> runs, CancellationToken cancellationToken)
    {
        List<HistoryMessage> messages = [];
        var room = new Room();
        int leftOut = 0;
        for (int i = 0; i < runs.Count; i++)
        {
            bool isFull = leftOut > 0 || messages.Count == MaxRuns;
            if (await ReadAsync(runs[i], whole: !isFull, cancellationToken) is not { } message)
                continue;
            if (!isFull && room.Take(message) is { } taken)
                messages.Add(taken);
            else
                leftOut++;
        }

        messages.Reverse();
        HistoryLeftOut? left = leftOut + room.LeftOut > 0 ? new HistoryLeftOut(leftOut, room.LeftOut) : null;
        return messages.Count == 0 && left is null ? [] : [new HistoryAdded(messages, left)];
    }

    /// <summary>What a run was asked and answered; null when it was rolled back, or failed without a word.</summary>
    private async ValueTask<HistoryMessage?> ReadAsync(RunInfo run, bool whole, CancellationToken cancellationToken)
    {
        RunEvent? outcome = null;
        await foreach (JournalEntry entry in store.ReadAsync(run.Run, run.Sequence - 1, cancellationToken))
            outcome = entry.Event;
        (bool isSaid, string? output) = outcome switch
        {
            RunCompleted completed => (true, completed.Output),
            RunCancelled { By: SessionRules.Rollback } => (false, null),
            RunCancelled cancelled => (true, cancelled.Partial),
            RunFailed { Partial: { } partial } => (true, partial),
            _ => (false, null),
        };
        if (!isSaid)
            return null;
        if (!whole)
            return new HistoryMessage(run.Run, [], null); // Only counted.
        IReadOnlyList<ContentPart> input = [];
        List<IReadOnlyList<ContentPart>> received = [];
        await foreach (JournalEntry entry in store.ReadAsync(run.Run, 0, cancellationToken))
        {
            if (entry.Sequence == 1)
                input = ((RunStarted)entry.Event).Input;
            else if (entry.Type == MessageReceived)
                received.Add(((MessageReceived)entry.Event).Input);
        }

        return new HistoryMessage(run.Run, input, output) { Received = received.Count > 0 ? received : null };
    }

    /// <summary>The room that is left for texts and attachments.</summary>
    private sealed class Room
    {
        private int _bytes;
        private long _tokens;

        /// <summary>How many attachments were replaced by a note.</summary>
        public int LeftOut { get; private set; }

        /// <summary>The exchange as it fits; null when its texts do not.</summary>
        public HistoryMessage? Take(HistoryMessage message)
        {
            IEnumerable<ContentPart> parts = [.. message.Input, .. (message.Received ?? []).SelectMany(r => r)];
            _bytes += parts.OfType<TextPart>().Sum(p => Encoding.UTF8.GetByteCount(p.Text))
                + Encoding.UTF8.GetByteCount(message.Output ?? "");
            if (_bytes > MaxBytes)
                return null;
            return message with
            {
                Input = Take(message.Input),
                Received = message.Received is { } received ? [.. received.Select(Take)] : null,
            };
        }

        private ContentPart[] Take(IReadOnlyList<ContentPart> parts) => [.. parts.Select(Take)];

        private ContentPart Take(ContentPart part)
        {
            (string type, long bytes, long tokens) = part switch
            {
                BlobPart blob => (blob.MediaType, blob.Length, AttachmentEstimate.Of(blob)),
                DataPart data => (
                    data.MediaType,
                    data.Data.Length,
                    Math.Max(AttachmentEstimate.Of(data.MediaType, data.Data), data.Data.Length / CopiedBytesPerToken)),
                _ => ("", 0, 0),
            };
            if (_tokens + tokens <= MaxAttachmentTokens)
            {
                _tokens += tokens;
                return part;
            }

            LeftOut++;
            return new TextPart(string.Create(
                CultureInfo.InvariantCulture,
                $"[An attachment of the type {type}, {bytes} bytes, was here. It is left out for its size; ask for it again.]"));
        }
    }
}
