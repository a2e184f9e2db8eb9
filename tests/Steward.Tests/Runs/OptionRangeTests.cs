using Steward.Agents;
using Steward.Storage;
using Steward.Testing;
using Steward.Tests.Support;

namespace Steward.Tests.Runs;

public sealed class OptionRangeTests
{
    public static TheoryData<AgentLimits, string> WrongLimits => new()
    {
        { new AgentLimits { ParallelTools = 0 }, "AgentLimits.ParallelTools is 0; it must be from 1 to 256." },
        { new AgentLimits { Iterations = -3 }, "AgentLimits.Iterations is -3; it must be from 1 to 100000." },
        { new AgentLimits { Depth = 17 }, "AgentLimits.Depth is 17; it must be from 0 to 16." },
        { new AgentLimits { BudgetWait = TimeSpan.FromSeconds(-1) }, "AgentLimits.BudgetWait is -00:00:01; it must be from 00:00:00 to 1.00:00:00." },
    };

    [Theory]
    [MemberData(nameof(WrongLimits))]
    public void Build_ALimitOutOfRange_IsRefusedWithOptionValueAndRange(AgentLimits limits, string message)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => Harness.Agent().WithLimits(limits).Build());

        Assert.Equal(message, e.Message);
    }

    [Fact]
    public void Build_APlanningOptionOutOfRange_IsRefused() => Assert.Equal(
        "PlanningOptions.ParallelSteps is 0; it must be from 1 to 64.",
        Assert.Throws<ArgumentException>(() => Harness.Agent().UsePlanning(new PlanningOptions { ParallelSteps = 0 }).Build()).Message);

    [Fact]
    public void Store_ALimitOutOfRange_IsRefused() => Assert.Equal(
        "StoreLimits.EntriesPerRun is 0; it must be from 10 to 10000000.",
        Assert.Throws<ArgumentException>(() => new InMemoryStewardStore(new ManualTimeProvider(), new StoreLimits { EntriesPerRun = 0 })).Message);
}
