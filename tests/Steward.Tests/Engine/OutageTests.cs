using System.Text.Json;
using Microsoft.Extensions.AI;
using Polly.CircuitBreaker;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;
using Steward.Testing;
using Steward.Tests.Support;
using Steward.TimeTravel;
using Steward.Tools;
using Steward.Tests.Shared;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>Models that are down: runs wait and go on, within their patience. The models are scripted.</summary>
public sealed class OutageTests(ITestOutputHelper output)
{
    private const int Runs = 60;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Kind, seconds and runs; every one at full size.</summary>
    public static TheoryData<string, int, int> Outages
    {
        get
        {
            var rows = new TheoryData<string, int, int> { { "503", 2, Runs }, { "429", 2, Runs }, { "529", 600, Runs }, { "open circuit", 2, 1 } };
            if (!SuiteSize.IsFull)
                return rows;
            foreach (string kind in (string[])["503", "429 with Retry-After: 5", "529", "connection refused", "open circuit"])
            {
                foreach (int seconds in (int[])[2, 600])
                {
                    foreach (int runs in (int[])[1, Runs])
                    {
                        if ((kind, seconds, runs) is not (("503", 2, Runs) or ("529", 600, Runs) or ("open circuit", 2, 1)))
                            rows.Add(kind, seconds, runs);
                    }
                }
            }

            return rows;
        }
    }

    /// <summary>The table of outages in bench/README.md: each row is what this prints.</summary>
    [Theory]
    [MemberData(nameof(Outages))]
    public async Task Outage_OfOneModelUnderManyRuns_AllComplete(string kind, int seconds, int count)
    {
        var time = new ManualTimeProvider();
        DateTimeOffset back = time.GetUtcNow().AddSeconds(seconds);
        var model = new FunctionModel((_, _) => time.GetUtcNow() < back ? throw OutageOf(kind) : Says("done"));
        await using var store = new InMemoryStewardStore(time);
        // The clock runs ahead of a slow machine; the default patience has a test of its own.
        await using var harness = new Harness(store, model, Patient(TimeSpan.FromHours(1)), o => o.Retry = new ModelRetryOptions(), time);
        if (kind == "open circuit")
            await OpenAsync(harness.Router.CircuitOf(Harness.Model));
        RunHandle[] runs = new RunHandle[count];
        for (int i = 0; i < count; i++)
            runs[i] = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        await harness.StartAsync();
        Task<RunResult[]> all = Task.WhenAll(runs.Select(run => run.WaitAsync(Token)));
        for (int i = 0; i < 20_000 && !all.IsCompleted; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Delay(1, Token);
        }

        Assert.True(all.IsCompleted, "Some runs never ended.");
        TimeSpan beyond = time.GetUtcNow() - back;
        RunResult[] results = await all;
        Assert.All(results, result => Assert.Equal((RunStatus.Completed, "done"), (result.Status, result.Output)));
        foreach (RunHandle run in runs)
            Assert.DoesNotContain(await harness.EventsAsync(run.Id), e => e is ModelFailed { Final: true });
        output.WriteLine(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"| {count} | {kind} | {seconds} s | {results.Length} | {model.Calls} | ${results.Sum(r => r.Spent.Usd):0.00000} | {beyond.TotalSeconds:F1} s |"));
    }

    [Fact]
    public async Task RetryAfter_LongerThanARetryWaits_RunWaitsKeepsItsResultAndGoesOn()
    {
        int effects = 0, asked = 0;
        var model = new FunctionModel((messages, _) => messages.All(m => m.Role != ChatRole.Tool) ? Calls_(("send", new { }))
            : ++asked == 1 ? throw Down(429, TimeSpan.FromSeconds(75))
            : Says("sent"));
        var lab = new Lab(model, Harness.Agent(Harness.Tool("send", _ => $"{++effects}", ToolEffect.Unsafe)).Build());
        RunId run = await lab.StartAsync();

        Assert.Equal(RunExit.Parked, await lab.WorkAsync());

        RunInfo waiting = (await lab.Handle(run).GetInfoAsync(Token))!;
        Assert.Equal((RunStatus.Awaiting, Reasons.ModelUnavailable), (waiting.Status, waiting.Reason));
        Assert.Equal(lab.Time.GetUtcNow().AddSeconds(75), waiting.ClaimableAt);
        StateChanged waits = Assert.Single((await lab.JournalAsync(run)).Select(e => e.Event).OfType<StateChanged>(), e => e.To == RunStatus.Awaiting);
        Assert.Contains("scripted/m: ", waits.Detail, StringComparison.Ordinal);
        Assert.Null(await lab.WorkAsync());
        lab.Time.Advance(TimeSpan.FromSeconds(75));
        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        Assert.Equal((RunStatus.Completed, 1), ((await lab.StateAsync(run)).Status, effects));
        Invariants.Check(await lab.JournalAsync(run));
        Assert.Null((await ReplayAsync(lab, run)).Divergence);
    }

    [Fact]
    public async Task Outage_OfTenMinutes_IsWithinTheDefaultPatience()
    {
        DateTimeOffset back = default;
        Lab? lab = null;
        lab = new Lab(new FunctionModel((_, _) => lab!.Time.GetUtcNow() < back ? throw Down(503) : Says("done")), Harness.Agent().Build());
        back = lab.Time.GetUtcNow().AddMinutes(10);
        RunId run = await lab.StartAsync();

        while (await lab.WorkAsync() == RunExit.Parked)
            lab.Time.Advance((await lab.Handle(run).GetInfoAsync(Token))!.ClaimableAt!.Value - lab.Time.GetUtcNow());

        Assert.Equal("done", Assert.IsType<RunCompleted>((await lab.StateAsync(run)).Outcome).Output);
        Assert.InRange(lab.Time.GetUtcNow() - back, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Outage_LongerThanThePatience_FailsAndSaysHowLongItWaited()
    {
        var lab = new Lab(new FunctionModel((_, _) => throw Down(503)), Patient(TimeSpan.FromMinutes(5)));
        RunId run = await lab.StartAsync();
        DateTimeOffset start = lab.Time.GetUtcNow();

        int waits = 0;
        while (await lab.WorkAsync() is { } exit && exit != RunExit.Ended)
        {
            waits++;
            lab.Time.Advance((await lab.Handle(run).GetInfoAsync(Token))!.ClaimableAt!.Value - lab.Time.GetUtcNow());
        }

        RunFailed failed = Assert.IsType<RunFailed>((await lab.StateAsync(run)).Outcome);
        Assert.Equal(Reasons.ModelUnavailable, failed.Code);
        Assert.Contains("patience (ModelPatience) of 0:05:00", failed.Message, StringComparison.Ordinal);
        Assert.InRange(lab.Time.GetUtcNow() - start, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(6));
        Assert.InRange(waits, 6, 12); // It waits longer from time to time.
        Assert.Null((await ReplayAsync(lab, run)).Divergence);
    }

    [Fact]
    public async Task Outage_WithoutPatience_FailsAtOnce()
    {
        var lab = new Lab(new FunctionModel((_, _) => throw Down(503)), Patient(TimeSpan.Zero));
        RunId run = await lab.StartAsync();

        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        Assert.Equal(Reasons.ModelUnavailable, Assert.IsType<RunFailed>((await lab.StateAsync(run)).Outcome).Code);
    }

    [Fact]
    public async Task Outage_RunIsCancelledMeanwhile_Ends()
    {
        var lab = new Lab(new FunctionModel((_, _) => throw Down(503)), Harness.Agent().Build());
        RunId run = await lab.StartAsync();
        Assert.Equal(RunExit.Parked, await lab.WorkAsync());

        await lab.Handle(run).CancelAsync("ana", cancellationToken: Token);

        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        Assert.Equal(RunStatus.Cancelled, (await lab.StateAsync(run)).Status);
    }

    [Fact]
    public async Task Route_FirstIsDownAndTheSecondRefusesForGood_RunWaitsForTheFirst()
    {
        bool isDown = true;
        var model = new FunctionModel((_, options) =>
            options.ModelId == "spare" ? throw new ModelException(ModelFailure.Authentication, "The key is wrong.") { NotBilled = true }
            : isDown ? throw Down(503)
            : Says("here"));
        var lab = new Lab(model, Routed("m", "spare")) { Prices = [Info("spare", 100_000)] };
        RunId run = await lab.StartAsync();

        Assert.Equal(RunExit.Parked, await lab.WorkAsync());
        isDown = false;
        lab.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(RunExit.Ended, await lab.WorkAsync());

        Assert.Equal("here", Assert.IsType<RunCompleted>((await lab.StateAsync(run)).Outcome).Output);
        Assert.Null((await ReplayAsync(lab, run)).Divergence);
    }

    [Fact]
    public async Task RefusedKey_LeavesTheModelAloneForLongAndSaysSo()
    {
        List<string?> asked = [];
        var model = new FunctionModel((_, options) =>
        {
            asked.Add(options.ModelId);
            return options.ModelId == "m" ? throw new ModelException(ModelFailure.Authentication, "The key is wrong.") { NotBilled = true, StatusCode = 401 } : Says("spare");
        });
        var time = new ManualTimeProvider();
        ModelRouter router = RouterOf(model, time, new ModelRetryOptions { Delay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero });
        var lab = new Lab(model, Routed("m", "spare"), time: time) { Prices = [Info("spare", 100_000)], Router = router };

        RunId first = await lab.StartAsync(), second = await lab.StartAsync();
        await lab.WorkAllAsync();
        Assert.Equal(["m", "spare", "spare"], asked); // The second run did not ask it again.
        time.Advance(TimeSpan.FromMinutes(10));
        RunId third = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(["m", "spare", "spare", "m", "spare"], asked);
        foreach (RunId run in (RunId[])[first, second, third])
        {
            Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
            Assert.Null((await ReplayAsync(lab, run)).Divergence);
        }
    }

    [Fact]
    public async Task RefusedKey_OfTheOnlyModel_FailsTheRunsWithTheReason()
    {
        int calls = 0;
        var model = new FunctionModel((_, _) =>
        {
            calls++;
            throw new ModelException(ModelFailure.Authentication, "The account has no credit.") { NotBilled = true, StatusCode = 402 };
        });
        var time = new ManualTimeProvider();
        var lab = new Lab(model, Harness.Agent().Build(), time: time) { Router = RouterOf(model, time, new ModelRetryOptions()) };
        RunId first = await lab.StartAsync(), second = await lab.StartAsync();

        await lab.WorkAllAsync();

        Assert.Equal(1, calls);
        RunFailed asked = Assert.IsType<RunFailed>((await lab.StateAsync(first)).Outcome);
        RunFailed left = Assert.IsType<RunFailed>((await lab.StateAsync(second)).Outcome);
        Assert.Equal((Reasons.ModelAuthentication, Reasons.ModelAuthentication), (asked.Code, left.Code));
        Assert.Matches("The account has no credit; not asked again before .*Z. Mend the key or the account", left.Message);
        Assert.Null((await ReplayAsync(lab, second)).Divergence);
    }

    [Fact]
    public async Task RefusedKey_OfOneAndTheOtherDown_RunWaitsAndSaysBoth()
    {
        bool isDown = true;
        var model = new FunctionModel((_, options) =>
            options.ModelId == "m" ? throw new ModelException(ModelFailure.Authentication, "The key is wrong.") { NotBilled = true }
            : isDown ? throw Down(503)
            : Says("here"));
        var time = new ManualTimeProvider();
        ModelRouter router = RouterOf(model, time, new ModelRetryOptions { Delay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero });
        var lab = new Lab(model, Routed("m", "spare"), time: time) { Prices = [Info("spare", 100_000)], Router = router };
        RunId run = await lab.StartAsync();

        Assert.Equal(RunExit.Parked, await lab.WorkAsync());
        RunState waiting = await lab.StateAsync(run);
        Assert.Contains("scripted/m: The key is wrong", waiting.Outage?.Why, StringComparison.Ordinal);
        Assert.Contains("scripted/spare: ", waiting.Outage?.Why, StringComparison.Ordinal);
        Assert.Equal(waiting.Outage?.Why, RunResult.Of(waiting).Message);
        lab.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(RunExit.Parked, await lab.WorkAsync());
        Assert.Contains("not asked again before", (await lab.StateAsync(run)).Outage?.Why, StringComparison.Ordinal);
        isDown = false;
        lab.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        Assert.Null((await ReplayAsync(lab, run)).Divergence);
    }

    [Fact]
    public async Task Circuit_ThatOpened_IsShortAtFirstAndLongerAfterEachProbe()
    {
        int calls = 0;
        var time = new ManualTimeProvider();
        DateTimeOffset start = time.GetUtcNow();
        List<double> probes = [];
        var circuit = new ModelCircuit(new ModelRetryOptions { BreakerThroughput = 2 }, time);
        for (int i = 0; i < 400; i++)
        {
            try
            {
                await circuit.Breaker.ExecuteAsync(_ =>
                {
                    calls++;
                    probes.Add((time.GetUtcNow() - start).TotalSeconds);
                    throw Down(503);
                }, Token);
            }
            catch (Exception e) when (e is ModelException or Polly.CircuitBreaker.BrokenCircuitException)
            {
            }

            time.Advance(TimeSpan.FromMilliseconds(250));
        }

        // Two calls open it for 1 s; then 2, 4, 8 and at most 15 s pass before the next.
        Assert.Equal([0, 0.25, 1.25, 3.25, 7.25, 15.25, 30.25, 45.25, 60.25, 75.25, 90.25], probes);
        Assert.Equal(probes.Count, calls);
    }

    [Fact]
    public async Task Route_WindowOfTheFirstIsTooSmall_SecondIsAsked()
    {
        List<string?> asked = [];
        var model = new FunctionModel((_, options) =>
        {
            asked.Add(options.ModelId);
            return Says("long");
        });
        var lab = new Lab(model, Routed("small", "large")) { Prices = [Info("small", 8_000), Info("large", 200_000)] };
        RunId run = await lab.StartAsync(new RunRequest(new string('x', 20_000)));

        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        Assert.Equal(["large"], asked);
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Null((await ReplayAsync(lab, run)).Divergence);
    }

    [Fact]
    public async Task Route_FirstCostsMoreThanIsLeft_SecondIsAsked()
    {
        List<string?> asked = [];
        var model = new FunctionModel((_, options) =>
        {
            asked.Add(options.ModelId);
            return Says("cheap");
        });
        var lab = new Lab(model, Routed("dear", "cheap")) { Prices = [Info("dear", 100_000, usd: 10_000), Info("cheap", 100_000, usd: 0.01m)] };
        RunId run = await lab.StartAsync(new RunRequest("go") { Ceilings = new BudgetCeilings { Usd = 0.10m } });

        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        Assert.Equal(["cheap"], asked);
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
    }

    [Theory]
    [InlineData(100_000, 24_000)]
    [InlineData(32_000, 12_000)]
    public async Task Window_FilledByToolResults_RunWrapsUpBeforeItIsFull(int window, int characters)
    {
        var tool = new ToolDefinition("read", "Reads.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) => ValueTask.FromResult(new ToolOutput(new string('x', characters))))
        {
            MaxResult = 30_000,
        };
        int n = 0;
        var model = new FunctionModel((messages, options) =>
        {
            // As a provider counts: about four characters a token.
            long input = messages.Sum(m => m.Contents.Sum(c => c is FunctionResultContent r ? r.Result!.ToString()!.Length : m.Text.Length)) / 4;
            ChatResponse answer = options.ToolMode == ChatToolMode.None ? Says("This is how far I came.") : Calls_(("read", new { page = n++ }));
            answer.Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = 20 };
            return answer;
        });
        AgentDefinition agent = new AgentBuilder("tester").Instruct("You test.").AddTools(tool)
            .UseModel(new ModelTarget(Harness.Provider, "windowed") { Stream = false, MaxOutput = 1_000 }).Build();
        var lab = new Lab(model, agent) { Prices = [Info("windowed", window)] };
        RunId run = await lab.StartAsync();

        Assert.Equal(RunExit.Ended, await lab.WorkAsync());

        RunFailed failed = Assert.IsType<RunFailed>((await lab.StateAsync(run)).Outcome);
        Assert.Equal((Reasons.CeilingReached, "This is how far I came."), (failed.Code, failed.Partial));
        Assert.InRange(n, 3, 40); // It used its window, too.
        GuidanceAdded told = Assert.Single((await lab.JournalAsync(run)).Select(e => e.Event).OfType<GuidanceAdded>());
        Assert.Contains($"the window of {window} tokens", told.Text, StringComparison.Ordinal);
        Assert.Null((await ReplayAsync(lab, run)).Divergence);
    }

    private static ModelRouter RouterOf(FunctionModel model, TimeProvider time, ModelRetryOptions retry) => new(
        _ => model, ModelCatalog.Default.With([Harness.Price, Info("spare", 100_000)]), retry, time, () => 0.5);

    private static AgentDefinition Patient(TimeSpan patience) => Harness.Agent().WithLimits(new AgentLimits { ModelPatience = patience }).Build();

    private static AgentDefinition Routed(params string[] models) => new AgentBuilder("tester").Instruct("You test.")
        .UseModel([.. models.Select(m => new ModelTarget(Harness.Provider, m) { Stream = false, MaxOutput = 1_000 })])
        .Build();

    private static ModelInfo Info(string model, int window, decimal usd = 1) =>
        new(Harness.Provider, model, usd, usd, null, null, window, 4_096, "test", "2026-11-30");

    private static Exception OutageOf(string kind) => kind switch
    {
        "connection refused" => new HttpRequestException("Connection refused", new System.Net.Sockets.SocketException(111)),
        "429 with Retry-After: 5" => Down(429, TimeSpan.FromSeconds(5)),
        "open circuit" => Down(503),
        _ => Down(int.Parse(kind, System.Globalization.CultureInfo.InvariantCulture)),
    };

    /// <summary>Fails at a model until its circuit is open, as other runs of the process would.</summary>
    private static async Task OpenAsync(ModelCircuit circuit)
    {
        for (int i = 0; i < 100; i++)
        {
            try
            {
                await circuit.Breaker.ExecuteAsync(static _ => throw Down(503), Token);
            }
            catch (ModelException)
            {
            }
            catch (BrokenCircuitException)
            {
                return;
            }
        }

        Assert.Fail("The circuit did not open.");
    }

    private static ModelException Down(int status, TimeSpan? retryAfter = null) => new(
        status switch
        {
            429 => ModelFailure.RateLimited,
            529 => ModelFailure.Overloaded,
            _ => ModelFailure.Unavailable,
        },
        $"The provider answered {status}.")
    {
        StatusCode = status,
        RetryAfter = retryAfter,
        NotBilled = true,
    };

    private static Task<ReplayReport> ReplayAsync(Lab lab, RunId run) => lab.Client().ReplayAsync(run, cancellationToken: Token);
}
