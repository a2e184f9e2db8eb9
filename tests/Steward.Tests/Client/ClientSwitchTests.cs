using System.Text.Json;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;

namespace Steward.Tests.Client;

/// <summary>A kill switch through the client: this process's own worker hears of it without a poll.</summary>
public sealed class ClientSwitchTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Engage_AndNobodyPolls_CutsOffTheCallAndReleasedTheRunGoesOn()
    {
        await using var store = new InMemoryStewardStore(TimeProvider.System);
        var called = new TaskCompletionSource();
        ToolDefinition sleep = new("sleep", "Sleeps until it is stopped.", JsonElement.Parse("""{"type":"object"}"""), async (_, _, cancellationToken) =>
        {
            called.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return new ToolOutput("");
        })
        { Effect = ToolEffect.ReadOnly };
        var model = new FunctionModel((messages, _) => messages.Count > 2 ? FunctionModel.Says("done") : FunctionModel.Calls_(("sleep", new { })));
        await using var harness = new Harness(store, model, Harness.Agent(sleep).Build(), o =>
            (o.PollInterval, o.WatchInterval, o.LeaseDuration) = (TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1), TimeSpan.FromHours(1)));
        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        await called.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);

        Assert.True((await harness.Client.EngageAsync(new KillSwitch("global", "the test", null, TimeProvider.System.GetUtcNow()), Token)).Changed);
        Assert.Equal("kill_switch", (await run.WaitUntilSettledAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token)).Reason);
        Assert.False((await harness.Client.EngageAsync(new KillSwitch("global", "somebody else", null, TimeProvider.System.GetUtcNow()), Token)).Changed);

        Assert.True(await harness.Client.ReleaseAsync("global", Token));
        Assert.Equal(RunStatus.Completed, (await run.WaitAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token)).Status);
        Assert.False(await harness.Client.ReleaseAsync("global", Token));
        await Assert.ThrowsAsync<FormatException>(() => harness.Client.ReleaseAsync("everything", Token));
    }
}
