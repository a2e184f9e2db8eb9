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

    // Providers on the OpenAI wire say "too long" with the plain status 400; these are the words of OpenAI, Anthropic, vLLM, llama.cpp and
    // Gemini.
    private static readonly string[] TooLong =
    [
        "context_length_exceeded", "maximum context length", "prompt is too long", "exceed_context_size",
        "exceeds the available context size", "input token count", "exceeds the context window", "longer than the maximum model length",
    ];

    private static readonly string[] s_ofAnAnswer = ["choices", "content", "type", "usage", "delta"];

    private static readonly string[] NoCredit =
        ["insufficient_quota", "credit balance is too low", "api key not valid", "insufficient balance"];

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
            using var document = JsonDocument.Parse(WireText.MendJson(body));
            JsonElement root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0)
                root = root[0];
            return root.ValueKind == JsonValueKind.Object ? Of(status, root) : new ErrorAnswer(status, null, null, null);
        }
        catch (JsonException)
        {
            return new ErrorAnswer(status, null, null, body.TrimStart().StartsWith('<') ? null : body);
        }
    }

    /// <summary>The error that an answer with a good status holds, as a whole or beside a piece of the answer; null when it holds
    /// none.</summary>
    /// <param name="root">The answer, or one event of it.</param>
    /// <param name="name">The event's name, if it has one.</param>
    public static ErrorAnswer? InAnswer(JsonElement root, string? name)
    {
        if (root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0)
            root = root[0]; // Gemini wraps its errors so.
        if (root.ValueKind != JsonValueKind.Object)
            return null;
        bool isError = IsError(root) || name == "error" || String(root, "object") == "error" || String(root, "type") == "error";
        if (!isError && root.TryGetProperty("choices", out JsonElement choices) && choices.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement choice in choices.EnumerateArray())
            {
                if (choice.ValueKind == JsonValueKind.Object && IsError(choice))
                    (root, isError) = (choice, true);
            }
        }
        else if (!isError)
        {
            // Gateways and servers whose errors have no object of their own: FastAPI, DashScope, Qianfan, Spring.
            bool isAnswer = s_ofAnAnswer.Any(field => root.TryGetProperty(field, out _));
            isError = !isAnswer && (Words(root) is not null || root.TryGetProperty("detail", out _));
        }

        return isError ? Of(null, root) : null;
    }

    private static bool IsError(JsonElement holder) =>
        holder.TryGetProperty("error", out JsonElement error) && error.ValueKind switch
        {
            JsonValueKind.Object => error.GetPropertyCount() > 0,
            JsonValueKind.String => WireText.Of(error) is { Length: > 0 },
            JsonValueKind.True => true,
            _ => false,
        };

    private static ErrorAnswer Of(int? status, JsonElement root)
    {
        bool isWithin = root.TryGetProperty("error", out JsonElement inner)
            && inner.ValueKind is not (JsonValueKind.Null or JsonValueKind.True);
        JsonElement error = isWithin ? inner : root;
        if (error.ValueKind != JsonValueKind.Object)
            return new ErrorAnswer(status, null, null, WireText.Of(error) ?? WireText.Raw(error));
        string? text = Words(error) ?? String(error, "detail");
        // OpenRouter says what went wrong behind it in a field of its own.
        if (error.TryGetProperty("metadata", out JsonElement metadata) && String(metadata, "raw") is { } behind)
            text = $"{text} ({behind})";
        string? type = String(error, "type") is "error" ? String(error, "status") : String(error, "type") ?? String(error, "status");
        text ??= error.TryGetProperty("detail", out JsonElement detail) ? WireText.Raw(detail) : null;
        return new ErrorAnswer(status, type, String(error, "code") ?? String(error, "status_code") ?? String(error, "error_code"), text);
    }

    private static string? Words(JsonElement error) => String(error, "message") ?? String(error, "error_msg") ?? String(error, "msg");

    /// <summary>The error in the runtime's terms.</summary>
    /// <param name="wire">Whose error it is.</param>
    /// <param name="retryAfter">How long the provider asked to wait.</param>
    /// <param name="notBilled">For an error in an answer: whether nothing of the answer had come before it.</param>
    public ModelException ToException(Wire wire, TimeSpan? retryAfter = null, bool notBilled = false)
    {
        ModelFailure failure = Classify();
        string said = Status is { } status ? $"answered {status}" : "sent an error in its answer";
        if (Type is not null || Code is not null)
            said += $" ({wire.Quote(Type ?? Code!)})";

        // A provider quotes a part of the key in its refusal.
        string? text = failure == ModelFailure.Authentication && Status is 401 ? null : Text;
        said += string.IsNullOrWhiteSpace(text) ? "." : $": {wire.Quote(text)}{(text.EndsWith('.') ? "" : ".")}";
        return new ModelException(failure, wire.Describe(failure, said))
        {
            StatusCode = Status ?? Stated,
            RetryAfter = retryAfter,
            NotBilled = Status is { } refused ? !IsFromGateway(refused) : notBilled,
        };
    }

    // A gateway that gave up waiting does not know whether the model has worked, nor whether it will be charged.
    private static bool IsFromGateway(int status) => status is 408 or 502 or 504 or (>= 520 and <= 527);

    /// <summary>The status that an answer with a good status states in its code.</summary>
    private int? Stated =>
        int.TryParse(Code, NumberStyles.None, CultureInfo.InvariantCulture, out int code) && code is >= 400 and < 600 ? code : null;

    private ModelFailure Classify()
    {
        int? status = Status ?? Stated;
        if (Says(NoCredit))
            return ModelFailure.Authentication;

        if (Type is "overloaded_error" || status is 503 or 529)
            return ModelFailure.Overloaded;

        if (Type is "rate_limit_error" || Code is "rate_limit_exceeded" || status is 429)
            return ModelFailure.RateLimited;

        if (Type is "authentication_error" or "permission_error" or "billing_error" || Code is "invalid_api_key")
            return ModelFailure.Authentication;

        if (status is 401 or 402 or 403)
            return ModelFailure.Authentication;

        if (Type is "timeout_error" || status is 408 or 504)
            return ModelFailure.Timeout;

        if (status is 413 || Says(TooLong))
            return ModelFailure.ContextTooLong;

        if (Code is "content_filter" || Type is "content_filter")
            return ModelFailure.Refused;

        return status switch
        {
            >= 500 => ModelFailure.Unavailable,
            >= 300 => ModelFailure.InvalidRequest,
            _ => Type is "invalid_request_error" or "not_found_error" || Code is "model_not_found"
                ? ModelFailure.InvalidRequest
                : ModelFailure.Unavailable,
        };
    }

    private bool Says(string[] phrases) => phrases.Any(phrase =>
        Contains(Text, phrase) || Contains(Code, phrase) || Contains(Type, phrase));

    private static bool Contains(string? text, string phrase) => text?.Contains(phrase, StringComparison.OrdinalIgnoreCase) == true;

    private static string? String(JsonElement element, string name) => WireText.Of(element, name) is { } text ? WireText.Mend(text) : null;

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
