namespace Steward.Tests.Shared;

/// <summary>How much a test does that looks for rare moments: little by default, everything where <c>STEWARD_FULL</c> is 1, as in CI.</summary>
internal static class SuiteSize
{
    public const string Variable = "STEWARD_FULL";

    public static bool IsFull { get; } = Environment.GetEnvironmentVariable(Variable) == "1";

    /// <summary>The number that this run of the tests takes.</summary>
    public static int Of(int quick, int full) => IsFull ? full : quick;
}
