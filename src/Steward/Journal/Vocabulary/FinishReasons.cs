namespace Steward.Journal;

/// <summary>Why a model stopped, as <see cref="ModelReturned.Finish"/> says it.</summary>
public static class FinishReasons
{
    /// <summary>The answer was cut off at its maximum length.</summary>
    public const string Length = "length";
}
