using Steward.Journal;
using Steward.Storage;

namespace Steward.Tests.Storage;

public sealed class StatusRulesTests
{
    [Fact]
    public void Statuses_AllOfThem_EitherGoOnOrHaveEnded()
    {
        Assert.Equal([RunStatus.Completed, RunStatus.Failed, RunStatus.Cancelled], StatusRules.Ended);
        Assert.Equal(Enum.GetValues<RunStatus>(), StatusRules.Living.Concat(StatusRules.Ended).Order());
    }
}
