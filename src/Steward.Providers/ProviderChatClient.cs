using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers;

/// <summary>One wire: how its requests are written and sent, and how its answers are read.</summary>
internal abstract record WireFormat(Endpoint Endpoint, RequestWriter Writer)
{
    /// <summary>Whose wire it is, as telemetry names providers.</summary>
    public abstract string Name { get; }

    /// <summary>Sets what the wire wants in the headers, the credential first.</summary>
    public abstract void SetHeaders(HttpRequestHeaders headers);

    /// <summary>A reader for one answer.</summary>
    public abstract WireReader NewReader();

    /// <summary>Whether the wire has a place for an attachment that is no text.</summary>
    public abstract bool Takes(string mediaType, bool isReference);
}

/// <summary>One model, with its failures and its answers in the runtime's terms.</summary>
internal sealed class ProviderChatClient(WireFormat format, HttpClient http, IDisposable? owned) : IChatClient, IAttachmentSupport
{
    private readonly ChatClientMetadata _metadata = new(format.Name, format.Endpoint.Url, format.Endpoint.Model);
    private bool _isDisposed;

    private Wire Wire => format.Endpoint.Wire;

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        List<ChatResponseUpdate> updates = [];
        using var answer = new Answer(format.NewReader(), Wire);
        while (await answer.NextAsync(() => SendAsync(messages, options, stream: false, cancellationToken), cancellationToken))
            updates.AddRange(answer.Updates);
        return updates.ToChatResponse();
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        using var answer = new Answer(format.NewReader(), Wire);
        while (await answer.NextAsync(() => SendAsync(messages, options, stream: true, cancellationToken), cancellationToken))
        {
            foreach (ChatResponseUpdate update in answer.Updates)
                yield return update;
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    public bool Takes(string mediaType, bool isReference) =>
        MediaTypes.IsText(mediaType) && !isReference || format.Takes(mediaType, isReference);

    /// <inheritdoc/>
    public void Dispose()
    {
        _isDisposed = true;
        http.Dispose();
        owned?.Dispose();
    }

    private async Task<HttpResponseMessage> SendAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, bool stream, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        using var request = new HttpRequestMessage(HttpMethod.Post, format.Endpoint.Url);
        request.Content = format.Writer.Write(messages, options, stream);
        request.Headers.Accept.ParseAdd(stream ? "text/event-stream" : "application/json");
        request.Headers.UserAgent.ParseAdd("steward");
        format.SetHeaders(request.Headers);
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>One answer that is being read.</summary>
    private sealed class Answer(WireReader reader, Wire wire) : IDisposable
    {
        private HttpResponseMessage? _response;
        private ServerEvents? _events;
        private bool _isOver;

        /// <summary>What the last step brought.</summary>
        public IReadOnlyList<ChatResponseUpdate> Updates { get; private set; } = [];

        /// <summary>Sends the request, or reads on; false when the answer has been read.</summary>
        public async ValueTask<bool> NextAsync(Func<Task<HttpResponseMessage>> send, CancellationToken cancellationToken)
        {
            if (_isOver)
                return false;
            try
            {
                if (_events is null)
                {
                    _response = await send();
                    _events = new ServerEvents(await _response.Content.ReadAsStreamAsync(cancellationToken), wire);
                }

                do
                {
                    if (await _events.NextAsync(cancellationToken) is { } read)
                        reader.Read(read);
                    else
                        _isOver = true;
                    _isOver |= reader.IsOver;
                    if (_isOver)
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                        if (_events.IsMarkup)
                            throw wire.Error(ModelFailure.InvalidResponse, "the answer is a page, not one of an API.");
                        reader.End();
                    }

                    Updates = reader.Take();
                }
                while (Updates.Count == 0 && !_isOver);
                return true;
            }
            catch (Exception exception)
            {
                throw Translate(exception, cancellationToken);
            }
        }

        public void Dispose()
        {
            _events?.Dispose();
            _response?.Dispose();
        }

        private Exception Translate(Exception exception, CancellationToken cancellationToken)
        {
            // First, because a handler may dress the caller's cancellation as a failure of its own.
            if (cancellationToken.IsCancellationRequested)
                return new OperationCanceledException(exception.Message, exception, cancellationToken);
            for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
            {
                if (cause is ModelException known)
                    return WithUsage(known);
            }

            return WithUsage(Classify(exception));
        }

        private ModelException Classify(Exception exception) => exception switch
        {
            OperationCanceledException => wire.Error(ModelFailure.Timeout, "no whole answer in time.", exception),
            IOException or HttpRequestException =>
                wire.Error(ModelFailure.StreamInterrupted, "the connection broke in the middle of the answer.", exception),
            ObjectDisposedException => wire.Error(ModelFailure.Unknown, "the client has been disposed.", exception, notBilled: true),
            _ when _events is null => wire.Error(
                ModelFailure.InvalidRequest, "the request could not be written in the provider's protocol.", exception, notBilled: true),
            _ => wire.Error(ModelFailure.InvalidResponse, "the answer lacks what the provider's protocol promises.", exception),
        };

        private ModelException WithUsage(ModelException exception) =>
            reader.Usage is not { } usage || exception.Usage is not null
                ? exception
                : new ModelException(exception.Failure, exception.Message, exception)
                {
                    StatusCode = exception.StatusCode,
                    RetryAfter = exception.RetryAfter,
                    NotBilled = exception.NotBilled,
                    Partial = exception.Partial,
                    Usage = usage,
                };
    }
}
