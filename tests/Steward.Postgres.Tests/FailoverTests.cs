using System.Collections.Concurrent;
using System.Text.Json;
using Npgsql;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Shared;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Postgres.Tests.Survival;

namespace Steward.Postgres.Tests;

/// <summary>Fault D5: the primary dies, and a standby that lacks its last commits takes over. The tool is Unsafe and has no probe: only a person may repeat it. The models are scripted.</summary>
public sealed class FailoverTests(ITestOutputHelper output) : IDisposable
{
    private const int Count = 12;
    private const int Before = 30;
    private const int Lost = 30;
    private const int Steps = 60;
    private readonly PostgresServer _primary = Primary();
    private readonly ConcurrentDictionary<string, int> _paid = new();
    private readonly TaskCompletionSource _cut = new();
    private PostgresServer? _standby;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _primary.Stop();
        _standby?.Stop();
    }

    [Fact]
    public async Task D5_StandbyLacksTheLastCommits_NodeThatSawThemAsksAboutEachRunAndRepeatsNothing()
    {
        await using PostgresStewardStore store = await FollowAsync();
        await using Harness node = Node(store);
        RunHandle[] runs = await FailOverAsync(node, store);

        foreach (RunHandle run in runs)
        {
            await UntilAsync(() => IsAskedAsync(run));
            QuestionInfo question = Assert.Single(await run.GetQuestionsAsync(Token));
            Assert.Equal(QuestionKind.Quarantine, question.Kind);
            Assert.Contains("The database went backwards", question.Text, StringComparison.Ordinal);
        }

        int before = _paid.Count;
        Assert.All(_paid.Values, times => Assert.Equal(1, times));

        // A person has looked: one run stops where it is, the others go on from what is there, and what was lost is done again on their word.
        await AnswerAsync(store, Assert.Single(await runs[0].GetQuestionsAsync(Token)), Answer.Stop);
        foreach (RunHandle run in runs[1..])
            await AnswerAsync(store, Assert.Single(await run.GetQuestionsAsync(Token)), Answer.Continue);
        int unknown = await EndAsync(store, runs);
        IReadOnlyList<RunInfo> ended = await store.FindAsync(new RunQuery(), Token);
        Assert.Equal((runs.Length - 1, runs.Length), (ended.Count(r => r.Status == RunStatus.Completed), ended.Count));
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
        output.WriteLine($"{before} effects before the failover, each once; all {runs.Length} runs asked, {unknown} of them also about a call whose intent was there; {_paid.Values.Count(times => times > 1)} effects again on a person's word, 0 without.");
    }

    /// <summary>Nobody is left who saw what is missing: that the database is on another timeline is all that is known.</summary>
    [Fact]
    public async Task D5_StandbyLacksTheLastCommits_NodeThatCameLaterAsksAboutEachRunAndRepeatsNothing()
    {
        RunHandle[] runs = await FailOverAndLeaveAsync();
        await using PostgresStewardStore newcomer = await FollowAsync();
        await using Harness later = Node(newcomer);
        await later.StartAsync();
        foreach (RunHandle run in runs.Select(run => later.Client.Get(run.Id)))
        {
            await UntilAsync(() => IsAskedAsync(run));
            QuestionInfo question = Assert.Single(await run.GetQuestionsAsync(Token));
            Assert.Equal(QuestionKind.Quarantine, question.Kind);
            Assert.Contains("The database failed over", question.Text, StringComparison.Ordinal);
        }

        int before = _paid.Count;
        Assert.All(_paid.Values, times => Assert.Equal(1, times));
        foreach (RunHandle run in runs.Select(run => later.Client.Get(run.Id)))
            await AnswerAsync(newcomer, Assert.Single(await run.GetQuestionsAsync(Token)), Answer.Continue);
        int unknown = await EndAsync(newcomer, runs);
        Assert.Empty(await newcomer.VerifyAsync(cancellationToken: Token));
        output.WriteLine($"{before} effects before the failover, each once; all {runs.Length} runs asked, {unknown} of them also about a call whose intent was there; {_paid.Values.Count(times => times > 1)} effects again on a person's word, 0 without.");
    }

    /// <summary>Who says that a failover loses nothing is believed: what is lost all the same is done again. So this is the control of the test before.</summary>
    [Fact]
    public async Task D5_StandbyLacksTheLastCommitsAndItIsSaidThatNoneCan_TheyAreRepeated()
    {
        RunHandle[] runs = await FailOverAndLeaveAsync();
        await using PostgresStewardStore newcomer = await FollowAsync(lossless: true);
        await using Harness later = Node(newcomer);
        await later.StartAsync();
        int unknown = await EndAsync(newcomer, runs);

        int repeated = _paid.Values.Count(times => times > 1);
        Assert.InRange(repeated, 1, _paid.Count);
        Assert.DoesNotContain(await newcomer.QuestionsAsync(new QuestionQuery(), Token), q => q.Kind == QuestionKind.Quarantine);
        output.WriteLine($"{runs.Length} runs, {_paid.Count} effects, {repeated} of them twice, because their intents were lost with the old primary; {unknown} calls whose intent was there were asked about.");
    }

    [Fact]
    public async Task D5_StandbyHasEverything_NodeThatSawItGoesOnUnasked()
    {
        await using PostgresStewardStore store = await FollowAsync();
        await ExecuteAsync(_primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", "ALTER SYSTEM SET synchronous_commit = remote_apply", "SELECT pg_reload_conf()");
        await UntilAsync(async () => await ScalarAsync(_primary, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1);
        await using Harness node = Node(store);
        await node.StartAsync();
        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, Count).Select(i => node.Client.StartAsync("tester", new RunRequest($"go {i}"), Token)));
        await UntilAsync(() => _paid.Count >= Before);

        _primary.Die();
        _standby!.Promote();
        await UntilAsync(() => TryAsync(async () => (await store.SwitchesAsync(Token)).Count == 0));
        int unknown = await EndAsync(store, runs);

        Assert.Equal(1L, await ScalarAsync(_standby, "SELECT count(*) - 1 FROM steward.timeline"));
        Assert.DoesNotContain(await store.QuestionsAsync(new QuestionQuery(), Token), q => q.Kind == QuestionKind.Quarantine);
        Assert.Equal(Count * Steps, _paid.Count);
        Assert.All(_paid.Values, times => Assert.Equal(1, times));
        output.WriteLine($"{runs.Length} runs, {_paid.Count} effects, each once; nobody was asked but about {unknown} calls in flight.");
    }

    private async Task<RunHandle[]> FailOverAndLeaveAsync()
    {
        await using PostgresStewardStore store = await FollowAsync();
        await using Harness node = Node(store);
        return await FailOverAsync(node, store, stop: true);
    }

    /// <summary>Runs at work; the standby is cut off; they go on, one of them up to its end; the primary dies and the standby is promoted.</summary>
    private async Task<RunHandle[]> FailOverAsync(Harness node, PostgresStewardStore store, bool stop = false)
    {
        await node.StartAsync();
        RunHandle late = await node.Client.StartAsync("tester", new RunRequest("late"), Token);
        RunHandle[] runs = [late, .. await Task.WhenAll(Enumerable.Range(0, Count).Select(i => node.Client.StartAsync("tester", new RunRequest($"go {i}"), Token)))];
        await UntilAsync(() => _paid.Count >= Before);
        await UntilAsync(async () => (await TestRun.InfoAsync(store, late.Id))!.Sequence > 1);
        await ExecuteAsync(_standby!, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()");
        await UntilAsync(async () => await ScalarAsync(_primary, "SELECT count(*) FROM pg_stat_replication") == 0);
        int durable = _paid.Count;
        _cut.SetResult();
        await UntilAsync(() => _paid.Count >= durable + Lost);
        await UntilAsync(async () => (await TestRun.InfoAsync(store, late.Id))!.Status == RunStatus.Completed);
        RunHandle gone = await node.Client.StartAsync("tester", new RunRequest("unheard"), Token);

        if (stop)
            await node.StopAsync();
        _primary.Die();
        _standby!.Promote();
        if (!stop)
        {
            // A start that was lost is not there: whoever asked for it is told, and a second start with the same key makes it anew.
            await UntilAsync(async () => await TryAsync(async () => await gone.GetInfoAsync(Token) is null));
            await Assert.ThrowsAsync<StewardException>(() => gone.WaitUntilSettledAsync(Token));
        }

        return runs;
    }

    /// <summary>The primary and a standby that follows it without being waited for; the store knows both.</summary>
    private async Task<PostgresStewardStore> FollowAsync(bool lossless = false)
    {
        _standby ??= _primary.StartStandby();
        string hosts = PostgresServer.Hosts(_primary, _standby);
        PostgresStewardStore? store = null;
        await UntilAsync(async () => await TryAsync(async () => (store = await PostgresStewardStore.OpenAsync(new PostgresStoreOptions { ConnectionString = hosts, LosslessFailover = lossless }, cancellationToken: Token)) is not null));
        return store!;
    }

    private Harness Node(PostgresStewardStore store)
    {
        var pay = new ToolDefinition("pay", "Pays.", JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"""), async (context, _, _) =>
        {
            await Task.Delay(20, CancellationToken.None);
            _paid.AddOrUpdate(context.IdempotencyKey, 1, (_, times) => times + 1);
            return new ToolOutput("paid");
        });
        var model = new FunctionModel((messages, _) =>
        {
            // The late run is claimed before the standby is cut off, and does all it does afterwards.
            bool late = messages.Any(m => m.Text == "late");
            if (late)
                _cut.Task.Wait(Token);
            int done = messages.Count(m => m.Role == Microsoft.Extensions.AI.ChatRole.Assistant);
            return done == (late ? 2 : Steps) ? FunctionModel.Says("done") : FunctionModel.Calls_(("pay", new { n = done }));
        });
        return new Harness(store, model, Harness.Agent(pay).WithLimits(new Agents.AgentLimits { Iterations = Steps + 5, Attempts = 50 }).Build(), o =>
        {
            o.MaxConcurrentRuns = 2 * Count;
            o.LeaseDuration = TimeSpan.FromSeconds(2);
            o.MaxClaimAttempts = 100;
        });
    }

    /// <summary>Answers what became of calls in flight, as somebody who looks at the world, until all runs have ended; returns how many such questions there were.</summary>
    private async Task<int> EndAsync(PostgresStewardStore store, RunHandle[] runs)
    {
        HashSet<(RunId, string)> answered = [];
        await UntilAsync(async () =>
        {
            foreach (QuestionInfo question in await store.QuestionsAsync(new QuestionQuery { Status = QuestionStatus.Open }, Token))
            {
                if (question.Kind != QuestionKind.OutcomeUnknown)
                    continue;
                RunState state = await RunJournal.LoadAsync(store, question.Run, Token);
                if (state.Questions.FirstOrDefault(q => q.Id == question.Id) is not { } asked)
                    continue; // It was answered a moment ago.
                string key = state.FindCall(asked.Turn, asked.Index)!.Intent!.Key;
                await AnswerAsync(store, question, _paid.ContainsKey(key) ? Answer.Happened : Answer.DidNotHappen);
                answered.Add((question.Run, question.Id));
            }

            return (await store.FindAsync(new RunQuery(), Token)).Count(r => r.Status.IsTerminal()) == runs.Length;
        });
        return answered.Count;
    }

    private static async Task AnswerAsync(PostgresStewardStore store, QuestionInfo question, Answer answer) => await store.DecideAsync(
        new Decision { Id = $"{question.Id}-by-olga", Run = question.Run, Question = question.Id, Answer = answer, By = "olga", Result = answer == Answer.Happened ? "paid" : null }, Token);

    private static Task<bool> IsAskedAsync(RunHandle run) => TryAsync(async () => (await run.GetInfoAsync(Token))!.Status == RunStatus.Awaiting && (await run.GetQuestionsAsync(Token)).Count == 1);

    private static async Task<bool> TryAsync(Func<Task<bool>> condition)
    {
        try
        {
            return await condition();
        }
        catch (StoreException)
        {
            return false; // The database is away.
        }
    }

    private static PostgresServer Primary()
    {
        Requirement.Postgres();
        return PostgresServer.StartOwn();
    }

    private static async Task ExecuteAsync(PostgresServer server, params string[] statements)
    {
        foreach (string statement in statements)
            await ScalarAsync(server, statement);
    }

    private static async Task<long> ScalarAsync(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection($"{server.ConnectionString};Pooling=false");
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Token) is long value ? value : 0;
    }
}
