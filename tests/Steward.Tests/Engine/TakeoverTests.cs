using System.Text.Json;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>A process that stood still for longer than its lease, and takes its own run over while a call of the first claim is still at work.</summary>
public sealed class TakeoverTests
{
    [Fact]
    public async Task Claim_OwnRunWhoseCallIsStillAtWork_IsNotMadeTwice()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        TaskCompletionSource entered = new(), go = new();
        int effects = 0;
        var slow = new ToolDefinition("slow", "Tested.", JsonElement.Parse("{}"), async (_, _, _) =>
        {
            entered.TrySetResult();
            await go.Task; // Deaf to its token, as a frozen thread is.
            Interlocked.Increment(ref effects);
            return new ToolOutput("done");
        })
        {
            Probe = (_, _, _) => ValueTask.FromResult(Volatile.Read(ref effects) > 0 ? ProbeResult.Happened("done") : ProbeResult.DidNotHappen),
        };
        var lab = new Lab(Script(Calls_(("slow", new { })), Says("over")), Harness.Agent(slow).Build());
        RunId run = await lab.StartAsync();
        RunEngine engine = lab.Engine(lab.Store);

        Task<RunExit> first = engine.ExecuteAsync(await ClaimAsync());
        await entered.Task.WaitAsync(cancellationToken);
        lab.Time.Suspend(Lab.LeaseDuration); // Its timers stood still too.
        Task<RunExit> second = engine.ExecuteAsync(await ClaimAsync());
        Assert.Equal(RunExit.Lost, await first);
        Assert.False(second.IsCompleted);
        go.SetResult();

        Assert.Equal(RunExit.Ended, await second);
        Assert.Equal(1, effects);
        Assert.Equal("over", Assert.IsType<RunCompleted>((await lab.StateAsync(run)).Outcome).Output);

        async Task<Claim> ClaimAsync() =>
            (await lab.Store.ClaimOneAsync(new ClaimRequest { Worker = "w1", Duration = Lab.LeaseDuration }, cancellationToken))!;
    }
}
