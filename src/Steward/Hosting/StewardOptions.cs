using Microsoft.Extensions.Options;
using Steward.Diagnostics.Alerts;
using Steward.Engine;
using Steward.Journal;
using Steward.Models;

namespace Steward.Hosting;

/// <summary>How this process runs agents: what its worker does, what models cost, and who hears of alerts.</summary>
public sealed class StewardOptions : WorkerOptions
{
    /// <summary>Prices that add to, or stand in place of, those of the catalogue.</summary>
    public IList<ModelInfo> Prices { get; } = [];

    /// <summary>How failed model calls are tried again.</summary>
    public ModelRetryOptions Retry { get; set; } = new();

    /// <summary>Updates kept for a slow reader of a live stream; the oldest are dropped, and the reader is told how many.</summary>
    /// <value>256; 1 to 100,000.</value>
    public int FollowQueue { get; set; } = 256;

    /// <summary>Where budget alerts are posted as JSON: an absolute <c>http</c> or <c>https</c> URL.</summary>
    /// <value>Null: nowhere.</value>
    public Uri? AlertWebhook { get; set; }

    /// <summary>The key of the HMAC-SHA256 in the header <c>Steward-Signature</c>,
    /// by which the webhook's receiver knows who posts.</summary>
    /// <value>Null: not signed.</value>
    public string? AlertWebhookSecret { get; set; }

    /// <summary>Time limits, retries and the queue of the webhook.</summary>
    public AlertDeliveryOptions AlertDelivery { get; set; } = new();
}

internal sealed class StewardOptionsValidator : IValidateOptions<StewardOptions>
{
    public ValidateOptionsResult Validate(string? name, StewardOptions options)
    {
        List<string> wrong = [];
        Check(wrong, nameof(options.MaxConcurrentRuns), options.MaxConcurrentRuns, 1, 10_000);
        Check(wrong, nameof(options.MaxClaimAttempts), options.MaxClaimAttempts, 1, 1_000);
        Check(wrong, nameof(options.LeaseDuration), options.LeaseDuration, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        Check(wrong, nameof(options.PollInterval), options.PollInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5));
        Check(wrong, nameof(options.WatchInterval), options.WatchInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1));
        Check(wrong, nameof(options.CancelGrace), options.CancelGrace, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        Check(wrong, nameof(options.MaxAbandonedCalls), options.MaxAbandonedCalls, 1, 10_000);
        Check(wrong, nameof(options.DrainGrace), options.DrainGrace, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        Check(wrong, nameof(options.SlotWait), options.SlotWait, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        Check(wrong, nameof(options.VersionPatience), options.VersionPatience, TimeSpan.Zero, TimeSpan.FromDays(1));
        Check(wrong, nameof(options.FollowQueue), options.FollowQueue, 1, 100_000);
        if (options.WorkerName is { } worker && string.IsNullOrWhiteSpace(worker))
            wrong.Add("StewardOptions.WorkerName is empty; it must be a name, or null for one of machine and process.");
        CheckRetry(wrong, options.Retry);
        CheckAlerts(wrong, options);
        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);
    }

    private static void CheckAlerts(List<string> wrong, StewardOptions options)
    {
        // Never says the value: a webhook's URL often suffices to post to it.
        if (options.AlertWebhook is { } url && !(url.IsAbsoluteUri && url.Scheme is "http" or "https" && url.UserInfo.Length == 0))
            wrong.Add("StewardOptions.AlertWebhook must be an absolute http or https URL without a user name.");
        if (options.AlertWebhookSecret is { } secret && string.IsNullOrWhiteSpace(secret))
            wrong.Add("StewardOptions.AlertWebhookSecret is empty; it must be a secret, or null to post without a signature.");
        AlertDeliveryOptions delivery = options.AlertDelivery;
        Check(wrong, "AlertDelivery.Timeout", delivery.Timeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
        Check(wrong, "AlertDelivery.Retries", delivery.Retries, 0, 10);
        Check(wrong, "AlertDelivery.Delay", delivery.Delay, TimeSpan.Zero, TimeSpan.FromMinutes(5));
        Check(wrong, "AlertDelivery.MaxDelay", delivery.MaxDelay, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        Check(wrong, "AlertDelivery.QueueLength", delivery.QueueLength, 1, 100_000);
        Check(wrong, "AlertDelivery.DrainGrace", delivery.DrainGrace, TimeSpan.Zero, TimeSpan.FromMinutes(10));
    }

    private static void CheckRetry(List<string> wrong, ModelRetryOptions retry)
    {
        try
        {
            retry.Check();
        }
        catch (ArgumentException e)
        {
            wrong.Add(e.Message);
        }
    }

    private static void Check<T>(List<string> wrong, string name, T value, T least, T most)
        where T : struct, IComparable<T>, IFormattable
    {
        if (OptionRange.FaultOf<T>($"StewardOptions.{name}", value, least, most) is { } fault)
            wrong.Add(fault);
    }
}
