namespace Steward.Testing.Conformance;

/// <summary>A store broke a clause of its contract; says what was expected, and what came.</summary>
public sealed class ConformanceException : StewardException
{
    /// <summary>Creates the error.</summary>
    public ConformanceException(string what, string expected, string actual)
        : base($"{what}: expected {expected}, but it was {actual}.")
    {
        Expected = expected;
        Actual = actual;
    }

    /// <summary>What the contract says.</summary>
    public string Expected { get; }

    /// <summary>What the store did.</summary>
    public string Actual { get; }
}
