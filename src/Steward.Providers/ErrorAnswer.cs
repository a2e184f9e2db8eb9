using System.Globalization;
using System.Text;
using System.Text.Json;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers;

/// <summary>An error that the provider stated, as a status with a body or as an event of a stream.</summary>
internal sealed record ErrorAnswer(int? Status, string? Type, string? Code, string? Text)
{
    private const int MaxBodyLength = 64 * 1024;
    private const int MaxRetryAfterSeconds = 24 * 60 * 60;

    // Providers on the OpenAI wire say "too long" with the plain status 400;
    // these are the words of OpenAI, Anthropic, vLLM, llama.cpp and Gemini.
    private static readonly string[] TooLong =
    [
        "context_length_exceeded", "maximum context length", "prompt is too long", "exceed_context_size",
        "exceeds the available context size",
        "input token count", "exceeds the context window", "longer than the maximum model length",
    ];

    private static readonly string[] NoCredit =
    [
        "insufficient_quota",
        "credit balance is too low",
        "api key not valid",
        "insufficient balance",
    ];

    /// <summary>Reads the body of an answer with an error status.</summary>
    public static async Task<ModelException> ReadAsync(HttpResponseMessage response, Wire wire, CancellationToken cancellationToken)
    {
        var answer = Parse((int)response.StatusCode, await ReadTextAsync(response.Content, cancellationToken));
        return answer.ToException(wire, RetryAfter(response, wire.Options.Time));
    }

    /// <summary>Reads the error object that OpenAI, Anthropic, Azure, Ollama and Gemini share in its outline.</summary>
    public static ErrorAnswer Parse(int? status, string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0)
                root = root[0];

            if (root.ValueKind != JsonValueKind.Object)
                return new ErrorAnswer(status, null, null, null);

            var error = root.TryGetProperty("error", out var inner) ? inner : root;
            return error.ValueKind == JsonValueKind.Object
                ? new ErrorAnswer(status, String(error, "type") ?? String(error, "status"), String(error, "code"), String(error, "message"))
                : new ErrorAnswer(status, null, null, error.ToString());
        }
        catch (JsonException)
        {
            return new ErrorAnswer(status, null, null, body.TrimStart().StartsWith('<') ? null : body);
        }
    }

    /// <summary>The error in the runtime's terms.</summary>
    public ModelException ToException(Wire wire, TimeSpan? retryAfter = null)
    {
        var failure = Classify();
        var said = Status is { } status ? $"answered {status}" : "sent an error in the stream";
        if (Type is not null || Code is not null)
            said += $" ({wire.Quote(Type ?? Code!)})";

        // A provider quotes a part of the key in its refusal.
        var text = failure == ModelFailure.Authentication && Status is 401 ? null : Text;
        said += string.IsNullOrWhiteSpace(text) ? "." : $": {wire.Quote(text)}{(text.EndsWith('.') ? "" : ".")}";
        return new ModelException(failure, wire.Describe(failure, said))
        {
            StatusCode = Status,
            RetryAfter = retryAfter,
            NotBilled = Status is { } refused && !IsFromGateway(refused),
        };
    }

    // A gateway that gave up waiting does not know whether the model has worked, nor whether it will be charged.
    private static bool IsFromGateway(int status) => status is 408 or 502 or 504 or (>= 520 and <= 527);

    private ModelFailure Classify()
    {
        if (Says(NoCredit))
            return ModelFailure.Authentication;

        if (Type is "overloaded_error" || Status is 503 or 529)
            return ModelFailure.Overloaded;

        if (Type is "rate_limit_error" || Status is 429)
            return ModelFailure.RateLimited;

        if (Type is "authentication_error" or "permission_error" or "billing_error" || Status is 401 or 402 or 403)
            return ModelFailure.Authentication;

        if (Type is "timeout_error" || Status is 408 or 504)
            return ModelFailure.Timeout;

        if (Status is 413 || Says(TooLong))
            return ModelFailure.ContextTooLong;

        if (Code is "content_filter" || Type is "content_filter")
            return ModelFailure.Refused;

        return Status switch
        {
            >= 500 => ModelFailure.Unavailable,
            >= 300 => ModelFailure.InvalidRequest,
            _ => Type is "invalid_request_error" or "not_found_error" ? ModelFailure.InvalidRequest : ModelFailure.Unavailable,
        };
    }

    private bool Says(string[] phrases) => phrases.Any(phrase =>
        Contains(Text, phrase) || Contains(Code, phrase) || Contains(Type, phrase));

    private static bool Contains(string? text, string phrase) => text?.Contains(phrase, StringComparison.OrdinalIgnoreCase) == true;

    private static string? String(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String or JsonValueKind.Number
            ? value.ToString()
            : null;

    private static async Task<string> ReadTextAsync(HttpContent content, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxBodyLength];
        var length = 0;
        try
        {
            var stream = await content.ReadAsStreamAsync(cancellationToken);
            length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        }
        catch (ModelException)
        {
            // The status has come and says enough; the text only explains it.
        }

        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time)
    {
        if (Number(response, "retry-after-ms") is { } milliseconds)
            return TimeSpan.FromMilliseconds(milliseconds);

        if (Number(response, "Retry-After") is { } seconds)
            return TimeSpan.FromSeconds(seconds);

        if (response.Headers.RetryAfter?.Date is not { } date)
            return null;

        // Against the provider's own clock, if it says what it is: ours may be wrong.
        var wait = date - (response.Headers.Date ?? time.GetUtcNow());
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static double? Number(HttpResponseMessage response, string header) =>
        response.Headers.TryGetValues(header, out var values)
        && double.TryParse(values.FirstOrDefault(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
        && number is >= 0 and <= MaxRetryAfterSeconds * 1_000d
            ? number
            : null;
}
