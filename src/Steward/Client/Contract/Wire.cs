using System.Globalization;
using System.Text.Json;

namespace Steward.Client.Contract;

/// <summary>How the documents write words and times.</summary>
public static class Wire
{
    /// <summary>An enum value in snake_case, as the journal writes it: <c>OutcomeUnknown</c> is <c>outcome_unknown</c>.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    /// <summary>A time in UTC to the millisecond: <c>2026-11-27T12:13:05.536Z</c>.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    /// <summary>As <see cref="Time(DateTimeOffset)"/>; null for none.</summary>
    public static string? Time(DateTimeOffset? time) => time is { } known ? Time(known) : null;
}
