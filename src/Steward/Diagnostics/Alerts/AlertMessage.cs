using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Diagnostics.Alerts;

/// <summary>A budget alert as the webhook's receiver reads it. Names and shapes only ever get more.</summary>
internal sealed record AlertMessage(
    string Type,
    string Id,
    DateTimeOffset Time,
    RunId Run,
    string Agent,
    string Tenant,
    string Scope,
    BudgetMetric Metric,
    decimal Threshold,
    decimal Used,
    decimal Ceiling)
{
    public static AlertMessage Of(RunState state, BudgetAlert alert, DateTimeOffset time) => new(
        "budget.alert",
        IdOf(state.Run, alert),
        time,
        state.Run,
        state.Started.Agent,
        state.Started.Tenant,
        alert.Scope.Key,
        alert.Metric,
        alert.Threshold,
        alert.Used,
        alert.Ceiling);

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, AlertJson.Default.AlertMessage);

    /// <summary>The same for every delivery of one crossing: what is spent
    /// never falls, so a run crosses a threshold of a ceiling once.</summary>
    private static string IdOf(RunId run, BudgetAlert alert)
    {
        // Without trailing zeros: stores differ in those, and 0.50 is the ceiling that 0.5 is.
        string identity = string.Create(
            CultureInfo.InvariantCulture,
            $"{run}\n{alert.Scope.Key}\n{alert.Metric}\n{alert.Threshold:0.############################}\n{alert.Ceiling:0.############################}");
        return $"alert_{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)).AsSpan(0, 16))}";
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AlertMessage))]
internal sealed partial class AlertJson : JsonSerializerContext;
