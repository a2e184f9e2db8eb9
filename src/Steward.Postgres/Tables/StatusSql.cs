using Steward.Journal;
using Steward.Storage;

namespace Steward.Postgres.Tables;

/// <summary>Statuses in SQL, made of the runtime's own names.</summary>
internal static class StatusSql
{
    /// <summary>The list of those in which a run never changes again: <c>status IN</c> this.</summary>
    public static string Ended { get; } = $"({string.Join(", ", StatusRules.Ended.Select(status => $"'{status.Name()}'"))})";

    /// <summary>Status and reason of a run that has just been started.</summary>
    public static string Begun { get; } = $"'{RunStatus.Planning.Name()}', '{Reasons.Started}'";
}
