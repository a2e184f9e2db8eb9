using System.Globalization;
using System.Text.Json;

namespace Steward.AspNetCore.Contract;

/// <summary>How values are written.</summary>
internal static class Wire
{
    /// <summary>A name of ours as the journal writes it: <c>OutcomeUnknown</c> is <c>outcome_unknown</c>.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}
