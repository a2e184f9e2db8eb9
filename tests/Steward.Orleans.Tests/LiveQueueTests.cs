using Steward.Orleans.Live;

namespace Steward.Orleans.Tests;

public sealed class LiveQueueTests
{
    [Fact]
    public void TryTake_AfterMoreThanFits_GivesTheNewestAndSaysHowManyWereDropped()
    {
        var queue = new LiveQueue(2);
        for (int i = 0; i < 5; i++)
            queue.Add(new LiveItem(0, 1, $"{i}", 0, default, 0));

        Assert.True(queue.TryTake(out LiveItem first));
        Assert.True(queue.TryTake(out LiveItem second));
        Assert.False(queue.TryTake(out _));
        Assert.Equal(("3", 3, "4", 0), (first.Text, first.Dropped, second.Text, second.Dropped));
    }

    [Fact]
    public void Add_DropsAnItemThatToldOfDropped_BothCount()
    {
        var queue = new LiveQueue(1);
        queue.Add(new LiveItem(0, 1, "a", 0, default, 7));
        queue.Add(new LiveItem(0, 1, "b", 0, default, 0));

        Assert.True(queue.TryTake(out LiveItem item));
        Assert.Equal(("b", 8), (item.Text, item.Dropped));
    }
}
