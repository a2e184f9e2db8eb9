using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Trace;
using Steward.Agents;
using Steward.Client;
using Steward.Diagnostics.Tracing;
using Steward.Journal;
using Steward.Models;
using Steward.Sqlite;
using Steward.Storage;
using Steward.Tools;
using static Steward.OpenTelemetry.Tests.TelemetryHost;

namespace Steward.OpenTelemetry.Tests;

/// <summary>What a back end gets of runs as they go, and of the same runs exported later.</summary>
public sealed class LiveTraceTests : IDisposable
{
    private static readonly ActivitySource s_inner = new("Inner");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("steward-otel");

    [Fact]
    public async Task Run_ParallelToolsRetryFallbackApproval_IsOneTraceAndExportsTheSame()
    {
        await using OtlpReceiver live = await OtlpReceiver.StartAsync();
        await using SqliteStewardStore store = await OpenAsync();
        int asked = 0;
        AgentDefinition agent = new AgentBuilder("tester").Instruct("You test.")
            .UseModel(Model("m", retries: 1), Model("backup"))
            .AddTools(
                Tool("look", Inner),
                Tool("find", Inner),
                Tool("pay", (_, _) => ValueTask.FromResult("paid"), ToolEffect.Unsafe))
            .AddApprovals(new ApprovalPolicy { Name = "money", Tools = ["pay"] })
            .Build();
        RunHandle run;
        await using (TelemetryHost host = await StartAsync(store, agent, Answer, t => Send(t, live)))
        {
            (run, RunResult waits) = await host.RunAsync("go", new RunRequest("go") { Session = "s1", User = "ana" });
            await run.AnswerAsync(Assert.Single(waits.Questions).Id, Steward.Journal.Answer.Approve, "boss", cancellationToken: TestContext.Current.CancellationToken);
            RunResult result = await run.WaitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(RunStatus.Completed, result.Status);
        }

        IReadOnlyList<OtlpSpan> spans = await live.SpansAsync();
        OtlpSpan root = TraceShape.Check(spans);
        Assert.Equal("invoke_agent tester", root.Name);
        Assert.Equal(["overloaded", "overloaded"], spans.Where(s => s.Name == "chat m" && s.Status == 2).Select(s => s["error.type"]));
        Assert.Equal("m", Assert.Single(spans, s => s.Name == "chat backup" && s["steward.turn"] == """{"int":"1"}""")["steward.fallback_from"]);
        OtlpSpan approval = Assert.Single(spans, s => s.Name == "steward.approval");
        Assert.Equal(("boss", "approve", "pay"), (approval["steward.question.by"], approval["steward.question.answer"], approval["gen_ai.tool.name"]));
        Assert.All(spans.Where(s => s.Scope == "Steward"), s => Assert.Equal(("s1", "ana"), (s["gen_ai.conversation.id"], s["user.id"])));
        foreach (string tool in (string[])["look", "find"])
        {
            OtlpSpan call = Assert.Single(spans, s => s.Name == $"execute_tool {tool}");
            Assert.Equal(call.Id, Assert.Single(spans, s => s.Name == "inner " && s.Parent == call.Id).Parent);
            Assert.Equal("seen", call["app.note"]);
        }

        Assert.Equal(await ExportedAsync(store, run.Id), Own(spans));

        ChatResponse Answer(string model, IReadOnlyList<ChatMessage> messages) => messages.Count(m => m.Role == ChatRole.Assistant) switch
        {
            0 when model == "m" && ++asked <= 2 => throw new ModelException(ModelFailure.Overloaded, "busy") { NotBilled = true, StatusCode = 529 },
            0 => Calls(("look", "1"), ("find", "2")),
            1 => Calls(("pay", "3")),
            _ => Says("Done."),
        };
    }

    /// <summary>The first worker's store stops answering while its tool is at work; the second one takes the run over.</summary>
    [Fact]
    public async Task Run_TakenOverByAnotherWorker_IsOneTraceWithTheLostCallMarked()
    {
        await using OtlpReceiver live = await OtlpReceiver.StartAsync();
        await using SqliteStewardStore store = await OpenAsync();
        var cut = new CutStore(store);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        RunHandle run;
        RunResult result;
        await using (TelemetryHost second = await StartAsync(store, Agent((_, _) => ValueTask.FromResult("found")), Script, t => Send(t, live), o => o.RunWorker = false))
        {
            TelemetryHost first = await StartAsync(
                cut,
                Agent(async (_, stop) =>
                {
                    cut.IsCut = true;
                    begun.SetResult();
                    await Task.Delay(Timeout.Infinite, stop);
                    return "never";
                }),
                Script,
                configure: o => o.LeaseDuration = TimeSpan.FromMilliseconds(300));
            run = await first.Client.StartAsync("tester", new RunRequest("go"), TestContext.Current.CancellationToken);
            await begun.Task;
            await using (TelemetryHost third = await StartAsync(store, Agent((_, _) => ValueTask.FromResult("found")), Script))
                result = await third.Client.Get(run.Id).WaitAsync(TestContext.Current.CancellationToken);
            await first.DisposeAsync();
        }

        Assert.Equal(RunStatus.Completed, result.Status);
        IReadOnlyList<OtlpSpan> spans = await live.SpansAsync();
        TraceShape.Check(spans);
        Assert.Equal(["unknown", null], spans.Where(s => s.Name == "execute_tool look").OrderBy(s => s.Start).ThenBy(s => s["steward.attempt"]).Select(s => s["steward.outcome"]));
        Assert.Equal(await ExportedAsync(store, run.Id), Own(spans));

        static AgentDefinition Agent(Func<System.Text.Json.JsonElement, CancellationToken, ValueTask<string>> look) =>
            new AgentBuilder("tester").Instruct("You test.").UseModel(Model("m")).AddTools(Tool("look", look)).Build();
        static ChatResponse Script(string model, IReadOnlyList<ChatMessage> messages) =>
            messages.Any(m => m.Role == ChatRole.Assistant) ? Says("Done.") : Calls(("look", "1"));
    }

    [Fact]
    public async Task Run_StartedUnderTheCallersTrace_JoinsIt()
    {
        await using OtlpReceiver live = await OtlpReceiver.StartAsync();
        await using SqliteStewardStore store = await OpenAsync();
        ActivityContext caller;
        await using (TelemetryHost host = await StartAsync(store, Plain(), (_, _) => Says("Hello."), t => Send(t, live)))
        {
            using Activity activity = s_inner.StartActivity("caller")!;
            caller = activity.Context;
            await host.RunAsync("go");
        }

        IReadOnlyList<OtlpSpan> spans = await live.SpansAsync();
        Assert.Equal("caller", TraceShape.Check([.. spans.Select(s => s.Name == "caller" ? s with { End = long.MaxValue - 1_000_000 } : s)]).Name);
        OtlpSpan root = Assert.Single(spans, s => s.Name == "invoke_agent tester");
        Assert.Equal((caller.TraceId.ToHexString(), caller.SpanId.ToHexString()), (root.Trace, root.Parent));
    }

    [Theory]
    [InlineData(0.0, 0)]
    [InlineData(1.0, 3)]
    public async Task Run_Sampler_DecidesForTheWholeTrace(double ratio, int expected)
    {
        await using OtlpReceiver live = await OtlpReceiver.StartAsync();
        await using SqliteStewardStore store = await OpenAsync();
        await using (TelemetryHost host = await StartAsync(store, Plain(), (_, _) => Says("Hello."), t => t.AddTelemetry("otlp", o =>
        {
            o.Endpoint = live.Traces;
            o.SampleRatio = ratio;
        })))
            await host.RunAsync("go");

        Assert.Equal(expected, (await live.SpansAsync()).Count);
    }

    [Fact]
    public async Task Spans_Defaults_BearNoContentAndNoSecret()
    {
        const string Canary = "CANARY-7f3a";
        await using OtlpReceiver live = await OtlpReceiver.StartAsync();
        await using SqliteStewardStore store = await OpenAsync();
        AgentDefinition agent = new AgentBuilder("tester").Instruct($"You test {Canary}.").UseModel(Model("m", retries: 0), Model("backup"))
            .AddTools(
                Tool("look", (_, _) => ValueTask.FromResult($"result {Canary}")),
                Tool("fail", (_, _) => throw new ToolException($"failed {Canary}")))
            .Build();
        int calls = 0;
        await using (TelemetryHost host = await StartAsync(store, agent, (model, m) => m.Count(x => x.Role == ChatRole.Assistant) switch
        {
            0 when model == "m" => throw new ModelException(ModelFailure.Overloaded, $"busy {Canary}") { NotBilled = true },
            0 => Calls(("look", Canary), ("fail", Canary), ($"no such {Canary}", Canary)),
            _ => ++calls > 0 ? Says($"answer {Canary}") : Says(""),
        }, t => Send(t, live)))
            await host.RunAsync($"ask {Canary}");

        Assert.NotEmpty(live.Requests);
        Assert.All(live.Requests, r => Assert.DoesNotContain(Canary, System.Text.Encoding.Latin1.GetString(r.Body), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(503)]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task Run_BackEndDoesNotTakeSpans_IsNotDelayedAndTheLossIsCounted(int status)
    {
        long lost = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == "steward.telemetry.spans.dropped")
                    l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref lost, value));
        listener.Start();
        OtlpReceiver live = await OtlpReceiver.StartAsync();
        live.Status = status;
        var slow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (status == -1)
            (live.Status, live.Gate) = (200, slow.Task); // It takes the request and never answers.
        await using SqliteStewardStore store = await OpenAsync();
        if (status == 0)
            await live.DisposeAsync();
        await using (TelemetryHost host = await StartAsync(store, Plain(), (_, _) => Says("Hello."), t => t.AddTelemetry("otlp", o =>
        {
            o.Endpoint = live.Traces;
            o.QueueLength = 2;
            o.Timeout = TimeSpan.FromMilliseconds(500);
        })))
        {
            for (int i = 0; i < 5; i++)
                Assert.Equal(RunStatus.Completed, (await host.RunAsync("go")).Result.Status);
        }

        Assert.Equal(15, Interlocked.Read(ref lost));
        slow.SetResult();
        if (status != 0)
            await live.DisposeAsync();
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static AgentDefinition Plain() => new AgentBuilder("tester").Instruct("You test.").UseModel(Model("m")).Build();

    private static ValueTask<string> Inner(System.Text.Json.JsonElement arguments, CancellationToken stop)
    {
        Activity.Current?.SetTag("app.note", "seen");
        using Activity? activity = s_inner.StartActivity("inner ");
        return ValueTask.FromResult("found");
    }

    private static void Send(Steward.Hosting.StewardBuilder steward, OtlpReceiver receiver)
    {
        steward.AddTelemetry("otlp", o => o.Endpoint = receiver.Traces);
        steward.Services.AddOpenTelemetry().WithTracing(t => t.AddSource("Inner")); // The application's own.
    }

    /// <summary>Steward's spans without what the application's code added to them.</summary>
    private static List<string> Own(IReadOnlyList<OtlpSpan> spans) =>
        [.. spans.Where(s => s.Scope == "Steward").Select(s => s.Describe().Replace("app.note=\"seen\",", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static async Task<List<string>> ExportedAsync(IRunStore store, RunId run)
    {
        await using OtlpReceiver later = await OtlpReceiver.StartAsync();
        List<RunSpan> spans = [];
        await foreach (RunSpan span in RunTraces.ReadAsync(store, run, cancellationToken: TestContext.Current.CancellationToken))
            spans.Add(span);
        using (var export = new TraceExport("otlp", new TelemetryOptions { Endpoint = later.Traces }))
            Assert.True(export.Send(spans));
        return Own(await later.SpansAsync());
    }

    private ValueTask<SqliteStewardStore> OpenAsync() => new(SqliteStewardStore.OpenAsync(
        new SqliteStoreOptions { Path = Path.Combine(_folder.FullName, "runs.db") }, TimeProvider.System, null, TestContext.Current.CancellationToken));

    /// <summary>A database that one worker can no longer reach.</summary>
    private sealed class CutStore(IStewardStore inner) : DelegatingStore(inner)
    {
        public bool IsCut { get; set; }

        public override ValueTask<AppendResult> AppendAsync(RunBatch batch, CancellationToken cancellationToken = default) =>
            IsCut ? throw new StoreException(StoreFailure.Busy, "Cut off.") : base.AppendAsync(batch, cancellationToken);

        public override ValueTask<IReadOnlyList<Lease>> RenewAsync(
            string worker, IReadOnlyCollection<Lease> leases, TimeSpan duration, CancellationToken cancellationToken = default) =>
            IsCut ? throw new StoreException(StoreFailure.Busy, "Cut off.") : base.RenewAsync(worker, leases, duration, cancellationToken);

        public override ValueTask<IReadOnlyList<Claim>> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default) =>
            IsCut ? throw new StoreException(StoreFailure.Busy, "Cut off.") : base.ClaimAsync(request, cancellationToken);
    }
}
