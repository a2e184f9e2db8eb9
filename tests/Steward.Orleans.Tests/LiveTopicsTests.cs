using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Steward.Journal;
using Steward.Orleans.Live;

namespace Steward.Orleans.Tests;

public sealed class LiveTopicsTests
{
    private static readonly RunId s_run = new(new Guid("0192f000-0000-7000-8000-000000000001"));
    private readonly FakeTimeProvider _time = new();
    private readonly LiveTopics _topics;

    public LiveTopicsTests() => _topics = new LiveTopics(new StewardOrleansOptions(), _time, NullLogger<LiveTopics>.Instance);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Its process was killed, or the run went to another silo: it neither leaves nor, while the run says nothing, fails to answer.</summary>
    [Fact]
    public async Task Follower_ThatDoesNotRenew_IsForgotten()
    {
        _topics.Follow(s_run, new Listener());
        Assert.True(_topics.IsFollowed(s_run));

        await UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromMinutes(4));
            return !_topics.IsFollowed(s_run);
        });
    }

    [Fact]
    public async Task Follower_ThatRenewsOnceAMinute_HearsForAsLongAsItWants()
    {
        var listener = new Listener();
        for (int i = 0; i < 20; i++)
        {
            _topics.Follow(s_run, listener);
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        _topics.Delta(s_run, 1, 1, "still there");
        await UntilAsync(() => listener.Heard.Count == 1);
        _topics.Leave(s_run, listener);
        Assert.False(_topics.IsFollowed(s_run));
    }

    /// <summary>Whatever it throws: nothing is kept for it, and when it renews it is there again.</summary>
    [Fact]
    public async Task Follower_ThatFails_IsLeftAndMayComeAgain()
    {
        var listener = new Listener { Error = new NotSupportedException("It cannot be read.") };
        var other = new Listener();
        _topics.Follow(s_run, listener);
        _topics.Follow(s_run, other);
        _topics.Delta(s_run, 1, 1, "one");
        await UntilAsync(() => listener.Calls == 1 && other.Heard.Count == 1);
        listener.Error = null;

        await UntilAsync(() =>
        {
            _topics.Follow(s_run, listener);
            _topics.Delta(s_run, 1, 1, "again");
            return !listener.Heard.IsEmpty;
        });
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "It did not come about.");
            await Task.Delay(10, Token);
        }
    }

    private sealed class Listener : ILiveObserver
    {
        private int _calls;

        public System.Collections.Concurrent.ConcurrentQueue<LiveItem> Heard { get; } = new();

        public int Calls => Volatile.Read(ref _calls);

        public Exception? Error { get; set; }

        public Task HearAsync(LiveItem[] items)
        {
            Interlocked.Increment(ref _calls);
            if (Error is { } error)
                throw error;
            foreach (LiveItem item in items)
                Heard.Enqueue(item);
            return Task.CompletedTask;
        }
    }
}
