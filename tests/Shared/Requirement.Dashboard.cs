namespace Steward.Tests.Shared;

internal static partial class Requirement
{
    /// <summary>The Aspire dashboard, which <c>steward traces</c> fetches: skips by what the command said when it could not.</summary>
    public static void Dashboard(string error)
    {
        string[] reasons = ["was not fetched", "None of your NuGet sources", "and there is none", "runs the dashboard on Linux"];
        if (reasons.Any(reason => error.Contains(reason, StringComparison.Ordinal)))
            Missing("dashboard", error);
    }
}
