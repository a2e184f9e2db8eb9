using Steward.Journal;
using Steward.Models;

namespace Steward.Providers;

/// <summary>Names one provider and model in errors, and keeps their secrets out.</summary>
internal sealed class Wire(string provider, string model, ProviderOptions options)
{
    private const int MaxTextLength = 300;
    private const int MinSecretLength = 8; // Shorter ones are words, as "Bearer" is.

    private readonly string[] _secrets = Secrets(options);

    public ProviderOptions Options { get; } = options;

    public string Provider { get; } = provider;

    public static bool IsHost(Uri url, string domain) =>
        url.Host.Equals(domain, StringComparison.OrdinalIgnoreCase) || url.Host.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase);

    /// <summary>An error: who, what happened, what to do.</summary>
    public ModelException Error(ModelFailure failure, string happened, Exception? inner = null, bool notBilled = false) =>
        new(failure, Describe(failure, happened), inner) { NotBilled = notBilled };

    public string Describe(ModelFailure failure, string happened) => $"{Provider}, model '{model}': {happened} {Remedy(failure)}";

    /// <summary>A text of the provider's, safe to show: without secrets, on one line, of bounded length.</summary>
    public string Quote(string text)
    {
        foreach (var secret in _secrets)
            text = text.Replace(secret, "***", StringComparison.Ordinal);

        text = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= MaxTextLength ? text : text[..MaxTextLength] + "…";
    }

    private static string Remedy(ModelFailure failure) => failure switch
    {
        ModelFailure.Overloaded => "Try again later, or add another model to the route.",
        ModelFailure.RateLimited => "Wait before the next try, lower the concurrency, or ask the provider for a higher limit.",
        ModelFailure.Timeout => "Try again, or raise Timeout or IdleTimeout in the provider's options.",
        ModelFailure.Unavailable => "Check the base URL and the provider's status, then try again.",
        ModelFailure.StreamInterrupted => "Try again: what had arrived is not a whole answer.",
        ModelFailure.InvalidResponse => "Check that the base URL is that of the right API, then try again.",
        ModelFailure.InvalidRequest => "Check the model's name, the parameters and the base URL.",
        ModelFailure.ContextTooLong => "Shorten the conversation, or use a model with a larger context window.",
        ModelFailure.Authentication => "Check the API key, its permissions, and the account's credit.",
        ModelFailure.Refused => "Change the request, or ask another model.",
        _ => "See the inner exception.",
    };

    private static string[] Secrets(ProviderOptions options)
    {
        var values = options.Headers.Values.SelectMany(value => value.Split(' ')).Append(options.ApiKey);
        return [.. values.OfType<string>().Where(value => value.Length >= MinSecretLength).OrderByDescending(value => value.Length)];
    }
}
