using Xunit;

namespace Steward.Tests.Shared;

/// <summary>Data sets that are too large for the repository, in the folder that STEWARD_DATA names.</summary>
internal static class TestData
{
    public static string? Root => Environment.GetEnvironmentVariable("STEWARD_DATA") is { Length: > 0 } path ? path : null;

    /// <summary>The full path of a data set; skips the test when STEWARD_DATA is not set or lacks it.</summary>
    public static string Require(string relative)
    {
        Assert.SkipWhen(Root is null, $"STEWARD_DATA is not set: \"{relative}\" is needed.");
        string path = Path.Combine(Root!, relative);
        Assert.SkipUnless(Path.Exists(path), $"STEWARD_DATA holds no \"{relative}\".");
        return path;
    }
}
