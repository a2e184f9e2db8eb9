using Microsoft.Extensions.Options;
using Steward.Agents;
using Steward.Client;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.Storage;
using Steward.Testing;
using Steward.Tests.Support;

namespace Steward.Tests.Hosting;

public sealed class OptionRangeTests
{
    public static TheoryData<AgentLimits, string> WrongLimits => new()
    {
        { new AgentLimits { ParallelTools = 0 }, "AgentLimits.ParallelTools is 0; it must be from 1 to 256." },
        { new AgentLimits { Iterations = -3 }, "AgentLimits.Iterations is -3; it must be from 1 to 100000." },
        { new AgentLimits { Depth = 17 }, "AgentLimits.Depth is 17; it must be from 0 to 16." },
        {
            new AgentLimits { BudgetWait = TimeSpan.FromSeconds(-1) },
            "AgentLimits.BudgetWait is -00:00:01; it must be from 00:00:00 to 1.00:00:00."
        },
    };

    [Theory]
    [MemberData(nameof(WrongLimits))]
    public void Build_ALimitOutOfRange_IsRefusedWithOptionValueAndRange(AgentLimits limits, string message)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => Harness.Agent().WithLimits(limits).Build());

        Assert.Equal(message, e.Message);
    }

    public static TheoryData<ModelTarget, string> WrongTargets => new()
    {
        { Harness.Model with { MaxOutput = 0 }, "ModelTarget.MaxOutput is 0; it must be from 1 to 10000000." },
        { Harness.Model with { Temperature = -0.5f }, "ModelTarget.Temperature is -0.5; it must be from 0 to 2." },
        { Harness.Model with { Temperature = float.NaN }, "ModelTarget.Temperature is NaN; it must be from 0 to 2." },
        {
            Harness.Model with { Timeout = TimeSpan.Zero },
            "ModelTarget.Timeout is 00:00:00; it must be from 00:00:00.0010000 to 1.00:00:00."
        },
        { Harness.Model with { Retries = -1 }, "ModelTarget.Retries is -1; it must be from 0 to 100." },
    };

    [Theory]
    [MemberData(nameof(WrongTargets))]
    public void Build_ATargetOutOfRange_IsRefusedInAnyRole(ModelTarget target, string message)
    {
        foreach (ModelRole role in new[] { ModelRole.Executor, ModelRole.Judge })
            Assert.Equal(message, Assert.Throws<ArgumentException>(() => Harness.Agent().UseModel(role, target).Build()).Message);
    }

    public static TheoryData<BudgetCeilings, string> WrongCeilings => new()
    {
        { new BudgetCeilings { Usd = -0.01m }, "BudgetCeilings.Usd is -0.01; it must be from 0 to 79228162514264337593543950335." },
        { new BudgetCeilings { Tokens = -1 }, "BudgetCeilings.Tokens is -1; it must be from 0 to 9223372036854775807." },
        { new BudgetCeilings { ModelCalls = -2 }, "BudgetCeilings.ModelCalls is -2; it must be from 0 to 9223372036854775807." },
        { new BudgetCeilings { ToolCalls = -3 }, "BudgetCeilings.ToolCalls is -3; it must be from 0 to 9223372036854775807." },
    };

    [Theory]
    [MemberData(nameof(WrongCeilings))]
    public async Task Ceilings_BelowZero_AreRefusedWhereverTheyAreGiven(BudgetCeilings ceilings, string message)
    {
        var lab = new Lab(FunctionModel.Script(FunctionModel.Says("done")), Harness.Agent().Build());
        Func<Task>[] givers =
        [
            () => Task.FromResult(Harness.Agent().WithBudget(ceilings).Build()),
            () => Task.FromResult(Harness.Agent().WithBudget(BudgetCeilings.None, session: ceilings).Build()),
            () => lab.StartAsync(new RunRequest("go") { Ceilings = ceilings }),
            () => lab.Store.SetCeilingsAsync(BudgetScope.Global, ceilings, TestContext.Current.CancellationToken).AsTask(),
        ];

        foreach (Func<Task> give in givers)
            Assert.Equal(message, (await Assert.ThrowsAsync<ArgumentException>(give)).Message);
    }

    public static TheoryData<ModelRetryOptions, string> WrongRetries => new()
    {
        {
            new ModelRetryOptions { Delay = TimeSpan.FromSeconds(-1) },
            "ModelRetryOptions.Delay is -00:00:01; it must be from 00:00:00 to 1.00:00:00."
        },
        {
            new ModelRetryOptions { MaxDelay = TimeSpan.FromDays(2) },
            "ModelRetryOptions.MaxDelay is 2.00:00:00; it must be from 00:00:00 to 1.00:00:00."
        },
        {
            new ModelRetryOptions { MaxRetryAfter = TimeSpan.FromDays(2) },
            "ModelRetryOptions.MaxRetryAfter is 2.00:00:00; it must be from 00:00:00 to 1.00:00:00."
        },
        { new ModelRetryOptions { BreakerThroughput = 1 }, "ModelRetryOptions.BreakerThroughput is 1; it must be from 2 to 2147483647." },
        {
            new ModelRetryOptions { BreakerWindow = TimeSpan.Zero },
            "ModelRetryOptions.BreakerWindow is 00:00:00; it must be from 00:00:00.5000000 to 1.00:00:00."
        },
        {
            new ModelRetryOptions { BreakerOpen = TimeSpan.Zero },
            "ModelRetryOptions.BreakerOpen is 00:00:00; it must be from 00:00:00.5000000 to 1.00:00:00."
        },
    };

    [Theory]
    [MemberData(nameof(WrongRetries))]
    public void Host_ARetryOptionOutOfRange_IsRefusedWithOptionValueAndRange(ModelRetryOptions retry, string message)
    {
        Assert.Equal([message], new StewardOptionsValidator().Validate(null, new StewardOptions { Retry = retry }).Failures!);
        ArgumentException e = Assert.Throws<ArgumentException>(
            () => new ModelRouter(_ => null, ModelCatalog.Default, retry, TimeProvider.System));
        Assert.Equal(message, e.Message);
    }

    [Fact]
    public void Host_WorkerOptionsOutOfRange_AreAllNamed()
    {
        TimeSpan far = TimeSpan.FromDays(2);
        var options = new StewardOptions
        {
            MaxConcurrentRuns = 0,
            MaxClaimAttempts = 0,
            LeaseDuration = TimeSpan.Zero,
            PollInterval = far,
            WatchInterval = far,
            CancelGrace = far,
            DrainGrace = far,
            SlotWait = far,
            MaxAbandonedCalls = 0,
            VersionPatience = far,
            FollowQueue = 0,
            WorkerName = " ",
        };

        ValidateOptionsResult result = new StewardOptionsValidator().Validate(null, options);

        Assert.Equal(12, result.Failures!.Count());
        Assert.Contains("StewardOptions.MaxConcurrentRuns is 0; it must be from 1 to 10000.", result.Failures!);
        Assert.Contains("StewardOptions.MaxAbandonedCalls is 0; it must be from 1 to 10000.", result.Failures!);
        Assert.Contains("StewardOptions.VersionPatience is 2.00:00:00; it must be from 00:00:00 to 1.00:00:00.", result.Failures!);
        Assert.Contains(result.Failures!, f => f.StartsWith("StewardOptions.WorkerName is empty", StringComparison.Ordinal));
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
