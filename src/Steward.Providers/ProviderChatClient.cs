using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers;

/// <summary>One model, with its failures and its answers in the runtime's terms.</summary>
internal abstract class ProviderChatClient(IChatClient inner, Wire wire, IDisposable? owned) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        try
        {
            var response = await base.GetResponseAsync(messages, options, cancellationToken);
            Complete(response);
            return response;
        }
        catch (Exception exception)
        {
            throw Translate(exception, null, cancellationToken);
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var state = NewStream();
        await using var updates = Open(messages, options, cancellationToken);
        while (await NextAsync(updates, state, cancellationToken))
        {
            foreach (var ready in state.Take(updates.Current))
                yield return ready;
        }

        if (state.IsFinished)
            yield break;

        // Both SDKs take the end of the bytes for the end of the answer.
        cancellationToken.ThrowIfCancellationRequested();
        throw WithUsage(wire.Error(ModelFailure.StreamInterrupted, "the stream ended before the model said that it had finished."), state.Usage);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            owned?.Dispose();

        base.Dispose(disposing);
    }

    /// <summary>The state of one stream.</summary>
    protected abstract ProviderStream NewStream();

    /// <summary>Brings a whole answer into the runtime's terms.</summary>
    protected abstract void Complete(ChatResponse response);

    /// <summary>The vendor's own error type, if it is one.</summary>
    protected abstract ErrorAnswer? VendorError(Exception exception);

    private IAsyncEnumerator<ChatResponseUpdate> Open(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        try
        {
            return base.GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        }
        catch (Exception exception)
        {
            throw Translate(exception, null, cancellationToken);
        }
    }

    private async ValueTask<bool> NextAsync(
        IAsyncEnumerator<ChatResponseUpdate> updates, ProviderStream state, CancellationToken cancellationToken)
    {
        try
        {
            if (!await updates.MoveNextAsync())
                return false;

            state.Observe(updates.Current);
            return true;
        }
        catch (Exception exception)
        {
            throw Translate(exception, state.Usage, cancellationToken);
        }
    }

    private Exception Translate(Exception exception, UsageDetails? usage, CancellationToken cancellationToken)
    {
        // First, because an SDK may dress the caller's cancellation as a failure of its own.
        if (cancellationToken.IsCancellationRequested)
            return new OperationCanceledException(exception.Message, exception, cancellationToken);

        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is ModelException known)
                return WithUsage(known, usage);

            if (VendorError(cause) is { } stated)
                return WithUsage(stated.ToException(wire), usage);
        }

        return WithUsage(Classify(exception), usage);
    }

    private ModelException Classify(Exception exception) => exception switch
    {
        OperationCanceledException => wire.Error(ModelFailure.Timeout, "no whole answer in time.", exception),
        IOException or HttpRequestException =>
            wire.Error(ModelFailure.StreamInterrupted, "the connection broke in the middle of the answer.", exception),
        ObjectDisposedException => wire.Error(ModelFailure.Unknown, "the client has been disposed.", exception, notBilled: true),
        ArgumentNullException or ArgumentOutOfRangeException => Unreadable(exception),
        ArgumentException or NotSupportedException =>
            wire.Error(ModelFailure.InvalidRequest, "the request could not be written in the provider's protocol.", exception, notBilled: true),
        _ => Unreadable(exception),
    };

    private ModelException Unreadable(Exception exception) => wire.Error(
        ModelFailure.InvalidResponse,
        exception is JsonException ? "the answer is not valid JSON." : "the answer lacks what the provider's protocol promises.",
        exception);

    private static ModelException WithUsage(ModelException exception, UsageDetails? usage) =>
        usage is null || exception.Usage is not null
            ? exception
            : new ModelException(exception.Failure, exception.Message, exception)
            {
                StatusCode = exception.StatusCode,
                RetryAfter = exception.RetryAfter,
                Usage = usage,
            };
}
