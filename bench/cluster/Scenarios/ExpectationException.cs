namespace Steward.ClusterBench.Scenarios;

/// <summary>A scenario did not show what it is for: the fault did not happen, or what should be said of it was not said.</summary>
internal sealed class ExpectationException(string message) : Exception(message)
{
    public static void ThrowIfNot(bool condition, string message)
    {
        if (!condition)
            throw new ExpectationException(message);
    }
}
