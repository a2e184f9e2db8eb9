using Steward.Hosting;

namespace Steward.Cli.Host;

/// <summary>Where this process posts budget alerts, by its environment: they tell
/// of tenants and of everything too, so the webhook is no agent's own.</summary>
internal sealed record AlertVariables(Uri? Webhook, string? Secret)
{
    public const string WebhookVariable = "STEWARD_ALERT_WEBHOOK";
    public const string SecretVariable = "STEWARD_ALERT_WEBHOOK_SECRET";

    /// <summary>Reads the variables; an empty one is as good as none.</summary>
    /// <exception cref="UsageException">The URL cannot be posted to.</exception>
    public static AlertVariables Read()
    {
        string? secret = Environment.GetEnvironmentVariable(SecretVariable);
        return new AlertVariables(
            Environment.GetEnvironmentVariable(WebhookVariable) is { Length: > 0 } text ? Parse(text) : null,
            string.IsNullOrWhiteSpace(secret) ? null : secret);
    }

    public void Apply(StewardOptions options)
    {
        options.AlertWebhook = Webhook;
        options.AlertWebhookSecret = Secret;
    }

    /// <summary>The message does not repeat the value: a webhook's URL often suffices to post to it.</summary>
    private static Uri Parse(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0
        ? url
        : throw new UsageException(
            $"The environment variable {WebhookVariable} is no URL to post to. Write one such as https://example.com/alerts, without a user name, or unset it.");
}
