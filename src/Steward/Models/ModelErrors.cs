using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Steward.Journal;

namespace Steward.Models;

/// <summary>Names the failure behind an exception that a chat client threw without saying so itself.</summary>
internal static class ModelErrors
{
    /// <summary>The failure, or null when the call was interrupted by the runtime.</summary>
    public static ModelException? Describe(Exception e, CancellationToken interrupted) => e switch
    {
        ModelException failure => failure,
        OperationCanceledException when interrupted.IsCancellationRequested => null,
        OperationCanceledException => new ModelException(ModelFailure.Timeout, $"The model call was given up: {e.Message}", e),
        HttpRequestException { StatusCode: { } status } =>
            new ModelException(Of(status), $"The model call failed: {e.Message}", e) { StatusCode = (int)status, NotBilled = true },
        HttpRequestException { InnerException: SocketException } =>
            new ModelException(ModelFailure.Unavailable, $"The model could not be reached: {e.Message}", e) { NotBilled = true },
        HttpRequestException or IOException =>
            new ModelException(ModelFailure.StreamInterrupted, $"The model's answer broke off: {e.Message}", e),
        TimeoutException => new ModelException(ModelFailure.Timeout, $"The model did not answer in time: {e.Message}", e),
        JsonException => new ModelException(ModelFailure.InvalidResponse, $"The model's answer could not be read: {e.Message}", e),
        _ => new ModelException(ModelFailure.Unknown, $"The model call failed: {e.GetType().Name}: {e.Message}", e),
    };

    private static ModelFailure Of(HttpStatusCode status) => (int)status switch
    {
        401 or 402 or 403 => ModelFailure.Authentication,
        408 or 504 => ModelFailure.Timeout,
        429 => ModelFailure.RateLimited,
        503 or 529 => ModelFailure.Overloaded,
        >= 500 => ModelFailure.Unavailable,
        _ => ModelFailure.InvalidRequest,
    };
}
