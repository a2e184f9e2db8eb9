using System.Globalization;
using Steward.Journal;

namespace Steward.Cli.Rendering;

/// <summary>Amounts and times in words.</summary>
internal static class Show
{
    private static readonly CultureInfo s_culture = CultureInfo.InvariantCulture;

    public static string Usd(decimal usd) => usd switch
    {
        0 => "$0",
        < 0.0001m and > 0 => "<$0.0001",
        < 0.01m => $"${usd.ToString("0.0000", s_culture)}",
        _ => $"${usd.ToString("#,0.00##", s_culture)}",
    };

    public static string Count(decimal count) => count.ToString("#,0", s_culture);

    public static string Count(decimal count, string noun) => $"{Count(count)} {noun}{(count == 1 ? "" : "s")}";

    public static string Of(BudgetMetric metric, decimal amount) => metric == BudgetMetric.Usd ? Usd(amount) : Count(amount);

    /// <summary>What is spent, against its ceiling if there is one.</summary>
    public static string Spent(BudgetAmount spent, BudgetCeilings ceilings) =>
        $"{Usd(spent.Usd)}{(ceilings.Usd is { } most ? $" of {Usd(most)}" : "")}";

    public static string Labels(IReadOnlyDictionary<string, string> labels) => string.Join(' ', labels.Select(l => $"{l.Key}={l.Value}"));

    public static string Clock(DateTimeOffset time) => time.ToLocalTime().ToString("HH:mm:ss.fff", s_culture);

    public static string Moment(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", s_culture);

    public static string Since(TimeSpan span) => span.TotalMinutes < 1
        ? $"+{span.TotalSeconds.ToString("0.000", s_culture)}s"
        : $"+{span.ToString(span.TotalHours < 1 ? @"m\:ss" : @"d\.hh\:mm\:ss", s_culture)}";

    public static string Ms(double milliseconds) =>
        milliseconds < 1_000 ? $"{milliseconds.ToString("0.#", s_culture)} ms" : $"{(milliseconds / 1_000).ToString("0.0#", s_culture)} s";

    public static string Metric(BudgetMetric metric) => metric switch
    {
        BudgetMetric.ModelCalls => "model calls",
        BudgetMetric.ToolCalls => "tool calls",
        BudgetMetric.Tokens => "tokens",
        BudgetMetric.Usd => "usd",
        BudgetMetric.Iterations => "iterations",
        _ => "wall time",
    };

    public static string Bytes(long bytes) => bytes switch
    {
        < 1L << 20 => $"{(bytes / 1024.0).ToString("0.#", s_culture)} KiB",
        < 1L << 30 => $"{(bytes / (double)(1L << 20)).ToString("0.#", s_culture)} MiB",
        _ => $"{(bytes / (double)(1L << 30)).ToString("0.#", s_culture)} GiB",
    };
}
