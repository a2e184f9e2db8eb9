namespace Steward.Sqlite.Tests;

public sealed class SkeletonTests
{
    [Fact]
    public void Skeleton_Builds() => Assert.NotNull(typeof(SkeletonTests).Assembly.FullName);
}
