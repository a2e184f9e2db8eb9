using Steward.Testing;

namespace Steward.Tests.Testing;

public sealed class ManualTimeProviderTests
{
    [Fact]
    public async Task ManualTime_Delay_EndsWhenItsTimeHasCome()
    {
        var time = new ManualTimeProvider();
        Task delay = Task.Delay(TimeSpan.FromSeconds(10), time, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(delay.IsCompleted);
        Assert.Equal(1, time.PendingTimers);
        time.Advance(TimeSpan.FromSeconds(1));
        await delay;
        Assert.Equal(0, time.PendingTimers);
    }

    [Fact]
    public void ManualTime_SeveralTimers_FireInOrderAtTheirOwnTimes()
    {
        var time = new ManualTimeProvider();
        DateTimeOffset start = time.GetUtcNow();
        List<string> fired = [];
        using ITimer late = Timer("late", 3, Timeout.InfiniteTimeSpan);
        using ITimer every = Timer("every", 1, TimeSpan.FromSeconds(2));
        using ITimer gone = Timer("gone", 2, Timeout.InfiniteTimeSpan);
        gone.Dispose();
        Assert.Equal(start + TimeSpan.FromSeconds(1), time.NextDue);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(["every@1", "late@3", "every@3", "every@5"], fired);
        Assert.Equal(start + TimeSpan.FromSeconds(5), time.GetUtcNow());

        ITimer Timer(string name, int seconds, TimeSpan period) =>
            time.CreateTimer(_ => fired.Add($"{name}@{(time.GetUtcNow() - start).TotalSeconds}"), null, TimeSpan.FromSeconds(seconds), period);
    }

    [Fact]
    public async Task ManualTime_PeriodicTimer_Ticks()
    {
        var time = new ManualTimeProvider();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        ValueTask<bool> tick = timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        Assert.False(tick.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await tick);
    }
}
