using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Hosting;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;

namespace Steward.Tests.Client;

/// <summary>Live streams in one process: real store, worker and client; the model says its pieces when the test lets it.</summary>
public sealed class RunStreamTests : IAsyncDisposable
{
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(30);

    private readonly InMemoryStewardStore _store = new(TimeProvider.System);
    private readonly SpeakingModel _model = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Stream_AnswerInPieces_GivesThemBetweenTheEntriesOfItsAttempt()
    {
        await using Harness harness = await StartedAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        List<RunUpdate> updates = [];
        _model.Attempt(["one ", "two ", "three"]);
        await foreach (RunUpdate update in run.StreamAsync(0, Token))
        {
            updates.Add(update);
            if (update is EntryRead { Entry.Event: ModelStarted } or TextArrived)
                _model.Go();
        }

        RunEvent[] events = await CheckedAsync(harness, run, updates);
        int started = updates.FindIndex(u => u is EntryRead { Entry.Event: ModelStarted });
        Assert.Equal(
            [new TextArrived(1, 1, "one "), new TextArrived(1, 1, "two "), new TextArrived(1, 1, "three")],
            updates[(started + 1)..(started + 4)].Cast<TextArrived>().Select(t => t with { Turn = 1 }));
        Assert.IsType<ModelReturned>(Assert.IsType<EntryRead>(updates[started + 4]).Entry.Event);
        Assert.IsType<RunCompleted>(events[^1]);
        Assert.DoesNotContain(updates, u => u is TextSuperseded or UpdatesDropped);
    }

    [Fact]
    public async Task Stream_AttemptIsLost_ItsTextIsSupersededBeforeTheNextOne()
    {
        await using Harness harness = await StartedAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        List<RunUpdate> updates = [];
        _model.Attempt(["half"], new HttpRequestException("The line is dead."));
        _model.Attempt(["whole"]);
        await foreach (RunUpdate update in run.StreamAsync(0, Token))
        {
            updates.Add(update);
            if (update is EntryRead { Entry.Event: ModelStarted } or TextArrived)
                _model.Go();
        }

        await CheckedAsync(harness, run, updates);
        Assert.Equal(
            ["half 1", "superseded 1", "whole 2"],
            updates.Select(u => u switch { TextArrived t => $"{t.Text} {t.Attempt}", TextSuperseded t => $"superseded {t.Attempt}", _ => null }).OfType<string>());
    }

    [Fact]
    public async Task Stream_ReaderIsSlow_IsToldOfDroppedUpdatesAndMissesNoEntry()
    {
        await using Harness harness = await StartedAsync(o => o.FollowQueue = 2);
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        List<RunUpdate> updates = [];
        _model.Attempt([.. Enumerable.Range(0, 20).Select(i => $"{i} ")]);
        await foreach (RunUpdate update in run.StreamAsync(0, Token))
        {
            updates.Add(update);
            if (update is EntryRead { Entry.Event: ModelStarted })
                _model.Go();
            if (update is not TextArrived || updates.OfType<TextArrived>().Count() > 1)
                continue;
            for (int i = 1; i <= 20; i++)
                _model.Go();
            await run.WaitAsync(Token).WaitAsync(s_bound, Token);
        }

        await CheckedAsync(harness, run, updates);
        Assert.Contains(updates, u => u is UpdatesDropped { Count: > 15 });
        Assert.IsType<RunCompleted>(Assert.IsType<EntryRead>(updates[^1]).Entry.Event);
    }

    /// <summary>The entry that starts the attempt is known to the reader already; the text after it is given all the same.</summary>
    [Fact]
    public async Task Stream_BegunAmidAnAttempt_GivesItsTextAndNoKnownEntry()
    {
        await using Harness harness = await StartedAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        List<RunUpdate> late = [];
        long head = 0;
        _model.Attempt(["early ", "late"]);
        await foreach (RunUpdate update in run.StreamAsync(0, Token))
        {
            if (update is EntryRead { Entry: { Event: ModelStarted } entry })
            {
                head = entry.Sequence;
                _model.Go();
            }

            if (update is not TextArrived { Text: "early " })
                continue;
            IAsyncEnumerator<RunUpdate> second = run.StreamAsync(head, Token).GetAsyncEnumerator(Token);
            ValueTask<bool> next = second.MoveNextAsync();
            _model.Go();
            while (await next.AsTask().WaitAsync(s_bound, Token))
            {
                late.Add(second.Current);
                if (second.Current is TextArrived)
                    _model.Go();
                next = second.MoveNextAsync();
            }

            await second.DisposeAsync();
        }

        Assert.Equal("late", Assert.IsType<TextArrived>(late[0]).Text);
        Assert.Equal(head + 1, Assert.IsType<EntryRead>(late[1]).Entry.Sequence);
        Assert.All(late.OfType<EntryRead>(), read => Assert.True(read.Entry.Sequence > head));
    }

    /// <summary>The last piece is said before the commit, and may still be heard after it: then the committed answer gives it.</summary>
    [Theory]
    [InlineData("one ", "two three")]
    [InlineData("one two ", "three")]
    [InlineData("one two three", null)]
    [InlineData("two ", null)] // Came amid the attempt.
    public async Task Merge_AnswerReadBeforeItsLastPieceIsHeard_GivesTheRestFirst(string heard, string? rest)
    {
        await using Harness harness = await StartedAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        _model.Attempt(["one two three"]);
        _model.Go();
        _model.Go();
        await run.WaitAsync(Token).WaitAsync(s_bound, Token);
        TaskCompletionSource said = new(TaskCreationOptions.RunContinuationsAsynchronously);
        List<RunUpdate> updates = [];
        await foreach (RunUpdate update in new RunStream().MergeAsync(JournalAsync(), LiveAsync(Token), 0, Token))
        {
            updates.Add(update);
            if (update is TextArrived)
                said.TrySetResult();
        }

        await CheckedAsync(harness, run, updates);
        string[] texts = rest is null ? [heard] : [heard, rest];
        Assert.Equal(texts, updates.OfType<TextArrived>().Select(t => t.Text));
        Assert.IsType<ModelReturned>(Assert.IsType<EntryRead>(updates[updates.FindLastIndex(u => u is TextArrived) + 1]).Entry.Event);

        async IAsyncEnumerable<JournalEntry> JournalAsync()
        {
            await foreach (JournalEntry entry in _store.ReadAsync(run.Id, 0, Token))
            {
                if (entry.Event is ModelReturned)
                    await said.Task.WaitAsync(s_bound, Token);
                yield return entry;
            }
        }

        async IAsyncEnumerable<RunUpdate> LiveAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            yield return new TextArrived(1, 1, heard);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
    }

    [Fact]
    public async Task Stream_AfterALongJournal_IsReadFromShortlyBeforeAndNotFromItsStart()
    {
        var store = new ReadsStore(_store);
        FunctionModel model = FunctionModel.Script([.. Enumerable.Range(0, 20).Select(i => FunctionModel.Calls_(("look", new { i }))), FunctionModel.Says("done")]);
        await using var harness = new Harness(store, model, Harness.Agent(Harness.Tool("look", _ => "seen")).Build());
        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        await run.WaitAsync(Token).WaitAsync(s_bound, Token);
        long head = (await run.GetInfoAsync(Token))!.Sequence;
        await harness.StopAsync();
        Assert.True(head > 60, $"Only {head} entries.");
        store.From.Clear();

        Assert.Equal([head - 1, head], (await ListAsync(run.StreamAsync(head - 2, Token))).OfType<EntryRead>().Select(r => r.Entry.Sequence));
        Assert.All(store.From, from => Assert.InRange(from, head - 20, head));
        Assert.NotEmpty(store.From);
    }

    [Fact]
    public async Task Stream_RunHasEnded_GivesWhatIsAfterAndEnds()
    {
        await using Harness harness = await StartedAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        _model.Attempt(["done"]);
        _model.Go();
        _model.Go();
        await run.WaitAsync(Token).WaitAsync(s_bound, Token);
        long head = (await run.GetInfoAsync(Token))!.Sequence;

        Assert.Equal(head - 2, (await ListAsync(run.StreamAsync(2, Token))).OfType<EntryRead>().Count());
        Assert.Empty(await ListAsync(run.StreamAsync(head, Token)));
    }

    [Fact]
    public async Task Follow_RunAtWorkHere_HearsCommitsAndTextInOrderAndEndsWithTheRun()
    {
        await using var harness = new Harness(_store, _model, Agent);
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        _model.Attempt(["one ", "two"]);
        _model.Go();
        _model.Go();
        _model.Go();
        IAsyncEnumerator<RunUpdate> stream = harness.Streams.FollowAsync(run.Id, Token).GetAsyncEnumerator(Token);
        Task<bool> next = stream.MoveNextAsync().AsTask();
        await harness.StartAsync();
        List<RunUpdate> updates = [];
        while (await next.WaitAsync(s_bound, Token))
        {
            updates.Add(stream.Current);
            next = stream.MoveNextAsync().AsTask();
        }

        await stream.DisposeAsync();
        Assert.Equal(["one ", "two"], updates.OfType<TextArrived>().Select(t => t.Text));
        long[] committed = [.. updates.OfType<EntriesCommitted>().Select(c => c.Sequence)];
        Assert.Equal(committed.Order(), committed);
        Assert.IsType<EntriesCommitted>(updates[updates.FindIndex(u => u is TextArrived) - 1]);
        Assert.Equal(RunStatus.Completed, Assert.IsType<EntriesCommitted>(updates[^1]).Status);
    }

    /// <summary>As in a process that only starts runs: nothing is heard of the worker, and polls find how far the run is.</summary>
    [Fact]
    public async Task Follow_RunAtWorkElsewhere_EndsWithTheRun()
    {
        await using var here = new Harness(_store, _model, Agent);
        await using Harness there = await StartedAsync();
        RunHandle run = await here.Client.StartAsync("tester", new RunRequest("go"), Token);
        _model.Attempt(["done"]);
        _model.Go();
        _model.Go();

        Assert.Equal(RunStatus.Completed, Assert.IsType<EntriesCommitted>((await ListAsync(here.Streams.FollowAsync(run.Id, Token)))[^1]).Status);
    }

    [Fact]
    public async Task Follow_NoSuchRun_SaysSo()
    {
        await using var harness = new Harness(_store, _model, Agent);
        var nobody = RunId.New(TimeProvider.System);

        Assert.Contains($"{nobody}", (await Assert.ThrowsAsync<StewardException>(() => ListAsync(harness.Streams.FollowAsync(nobody, Token)))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StewardException>(() => ListAsync(harness.Client.Get(nobody).StreamAsync(0, Token)));
    }

    private static AgentDefinition Agent => new AgentBuilder("tester").Instruct("You test.").UseModel(Harness.Model with { Stream = true }).Build();

    private static async Task<List<RunUpdate>> ListAsync(IAsyncEnumerable<RunUpdate> updates)
    {
        List<RunUpdate> list = [];
        await foreach (RunUpdate update in updates)
            list.Add(update);
        return list;
    }

    /// <summary>Whatever else is in a stream: its entries are the journal.</summary>
    private static async Task<RunEvent[]> CheckedAsync(Harness harness, RunHandle run, List<RunUpdate> updates)
    {
        JournalEntry[] entries = [.. updates.OfType<EntryRead>().Select(r => r.Entry)];
        Assert.Equal((await harness.EventsAsync(run.Id)).Count, entries.Length);
        Assert.Equal(Enumerable.Range(1, entries.Length).Select(i => (long)i), entries.Select(e => e.Sequence));
        return [.. entries.Select(e => e.Event)];
    }

    private async Task<Harness> StartedAsync(Action<StewardOptions>? configure = null)
    {
        var harness = new Harness(_store, _model, Agent, configure);
        await harness.StartAsync();
        return harness;
    }

    /// <summary>Notes from where journals are read.</summary>
    private sealed class ReadsStore(IStewardStore inner) : DelegatingStore(inner)
    {
        public ConcurrentBag<long> From { get; } = [];

        public override IAsyncEnumerable<JournalEntry> ReadAsync(RunId run, long after = 0, CancellationToken cancellationToken = default)
        {
            From.Add(after);
            return base.ReadAsync(run, after, cancellationToken);
        }
    }

    /// <summary>Streams an answer piece by piece, each when it is let go. Scripted; never a real model.</summary>
    private sealed class SpeakingModel : IChatClient
    {
        private readonly Channel<(string[] Pieces, Exception? Error)> _attempts = Channel.CreateBounded<(string[] Pieces, Exception? Error)>(16);
        private readonly SemaphoreSlim _goes = new(0);

        public void Attempt(string[] pieces, Exception? error = null) => Assert.True(_attempts.Writer.TryWrite((pieces, error)));

        /// <summary>Lets the next piece go, or after the last one the end or the error.</summary>
        public void Go() => _goes.Release();

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            (string[] pieces, Exception? error) = await _attempts.Reader.ReadAsync(cancellationToken);
            foreach (string piece in pieces)
            {
                await _goes.WaitAsync(cancellationToken);
                yield return new ChatResponseUpdate(ChatRole.Assistant, piece);
            }

            await _goes.WaitAsync(cancellationToken);
            if (error is not null)
                throw error;

            yield return new ChatResponseUpdate
            {
                FinishReason = ChatFinishReason.Stop,
                Contents = [new UsageContent(new UsageDetails { InputTokenCount = 100, OutputTokenCount = 10 })],
            };
        }

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException("It only streams.");

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() => _goes.Dispose();
    }
}
