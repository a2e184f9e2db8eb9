using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Steward.Engine;
using Steward.Journal;
using Steward.Models;
using Steward.State;

namespace Steward.TimeTravel;

/// <summary>Fails where a model was recorded to fail, and answers where it
/// answered; never calls one. What it answered is read from the tape.</summary>
internal sealed class ReplayModel(ReplayTape tape, ModelRetryOptions retry) : IChatClient
{
    private const string Interrupted = "Interrupted: ";

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
        tape.Ahead().FirstOrDefault(e => e is ModelReturned or ModelFailed) switch
        {
            ModelReturned => Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, "(recorded)"))),
            ModelFailed failed => Task.FromException<ChatResponse>(Failure(failed)),
            _ => Task.FromException<ChatResponse>(tape.Stop()),
        };

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatResponse response = await GetResponseAsync(messages, options, cancellationToken);
        foreach (ChatResponseUpdate update in response.ToChatResponseUpdates())
            yield return update;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }

    private Exception Failure(ModelFailed failed)
    {
        if (failed.Message.StartsWith(Interrupted, StringComparison.Ordinal)
            && Enum.TryParse(failed.Message.AsSpan(Interrupted.Length).TrimEnd('.'), out Interruption reason))
        {
            tape.Session!.Interrupt(reason);
            return new OperationCanceledException(failed.Message);
        }

        // How long the provider asked to wait is not recorded; that the next model was asked instead is.
        RunEvent[] ahead = [.. tape.Ahead()];
        ModelStarted[] calls = [.. ahead.OfType<ModelStarted>().Take(1)];
        ModelCall? current = tape.Session!.State.Model;
        bool waits = ahead.SkipWhile(e => e is not ModelFailed)
            .Skip(1)
            .FirstOrDefault() is StateChanged { Reason: Reasons.ModelUnavailable };
        bool goesElsewhere = calls is [var next]
            && next.Turn == failed.Turn
            && (next.Provider, next.Model) != (current?.Intent.Provider, current?.Intent.Model);
        return new ModelException(failed.Failure, failed.Message)
        {
            StatusCode = failed.Status,
            Partial = failed.Partial,
            NotBilled = true,
            RetryAfter = goesElsewhere || waits ? retry.MaxRetryAfter + TimeSpan.FromSeconds(1) : null,
        };
    }
}
