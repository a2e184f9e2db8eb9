using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Steward.Client;
using Steward.Diagnostics.Alerts;
using Steward.Hosting;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing;
using Steward.Tests.Support;
using Steward.Tests.Tools;
using static Steward.Tests.Support.FunctionModel;
using static Steward.Tests.Tools.LoopbackServer;

namespace Steward.Tests.Diagnostics;

public sealed class AlertWebhookTests
{
    private const string Secret = "whsec_test";

    private static readonly AlertDeliveryOptions s_quick = new() { Delay = TimeSpan.FromMilliseconds(5), MaxDelay = TimeSpan.FromMilliseconds(20) };

    [Fact]
    public async Task Run_CrossesThreshold_IsPostedSignedAndCounted()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using var server = new LoopbackServer(_ => Answer(200, ""));
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSteward(o =>
            {
                o.Prices.Add(Harness.Price);
                o.AlertWebhook = new Uri(server.Url + "/hooks/1?key=2");
                o.AlertWebhookSecret = Secret;
            })
            .UseInMemoryStore()
            .AddModels(Harness.Provider, (_, _) => Script(Calls_(("look", new { })), Says("Done.")))
            .AddAgent(Harness.Agent(Harness.Tool("look", _ => "x")).Build());
        using IHost host = builder.Build();
        using var counted = new AlertCounts(host.Services.GetRequiredService<IMeterFactory>());
        await host.StartAsync(cancellationToken);
        RunHandle run = await host.Services.GetRequiredService<IStewardClient>().StartAsync("tester", new RunRequest("go") { Tenant = "acme", Ceilings = new BudgetCeilings { ToolCalls = 1 } }, cancellationToken);

        RunResult result = await run.WaitAsync(cancellationToken);
        await host.StopAsync(cancellationToken);

        Assert.Equal(RunStatus.Completed, result.Status);
        Request request = Assert.Single(server.Requests);
        Assert.Equal(("POST", "/hooks/1?key=2", "application/json"), (request.Method, request.Target, request.Headers["Content-Type"]));
        Verify(request);
        JsonElement body = JsonElement.Parse(request.Body);
        Assert.Equal(["type", "id", "time", "run", "agent", "tenant", "scope", "metric", "threshold", "used", "ceiling"], body.EnumerateObject().Select(p => p.Name));
        Assert.Equal(
            ("budget.alert", $"{run.Id}", "tester", "acme", $"run:{run.Id}", "tool_calls", 0.8m, 1m, 1m),
            (Text("type"), Text("run"), Text("agent"), Text("tenant"), Text("scope"), Text("metric"), Amount("threshold"), Amount("used"), Amount("ceiling")));
        Assert.Equal(["1 steward.budget.scope=run steward.budget.metric=tool_calls"], counted.All);

        string Text(string name) => body.GetProperty(name).GetString()!;
        decimal Amount(string name) => body.GetProperty(name).GetDecimal();
    }

    [Fact]
    public void Signature_KnownInput_IsTheHmacOfTimeDotBody() => Assert.Equal(
        // printf '1772452800.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
        "t=1772452800,v1=813bad9b54f8ec3dd6884dc89b44edf5faf1d7f1bf2f291537372d12c0e87036",
        AlertSignature.Create(Secret, DateTimeOffset.FromUnixTimeSeconds(1_772_452_800), """{"a":1}"""u8));

    [Fact]
    public async Task Alerted_ReceiverRecovers_IsTriedAgainUnderTheSameId()
    {
        int asked = 0;
        await using var server = new LoopbackServer(_ => Interlocked.Increment(ref asked) switch { 1 => Answer(503, ""), 2 => null, 3 => Answer(429, ""), _ => Answer(204, "") });
        using var log = new LogList();
        using AlertSender sender = await StartAsync(server, s_quick, log);

        sender.Alerted(State(), Alert(81));
        await sender.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(4, server.Requests.Count);
        Assert.Single(server.Requests.Select(r => r.Body).Distinct());
        Assert.All(server.Requests, Verify);
        Assert.Empty(log.Lines);
    }

    [Theory]
    [InlineData(500, 4)]
    [InlineData(404, 1)]
    [InlineData(302, 1)]
    public async Task Alerted_ReceiverRefuses_IsGivenUpAndTheNextOneGoesOut(int status, int attempts)
    {
        await using var server = new LoopbackServer(r => r.Body.Contains("\"used\":81,", StringComparison.Ordinal) ? Answer(status, "", headers: "Location: /elsewhere\r\n") : Answer(200, ""));
        using var log = new LogList();
        using AlertSender sender = await StartAsync(server, s_quick, log);

        sender.Alerted(State(), Alert(81));
        sender.Alerted(State(), Alert(82));
        await sender.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(attempts + 1, server.Requests.Count);
        (LogLevel level, string line) = Assert.Single(log.Lines);
        Assert.Equal(LogLevel.Error, level);
        Assert.EndsWith($"the alert on Usd of tenant:acme was not delivered to the webhook at 127.0.0.1:{server.Port}", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Alerted_ReceiverHangs_TimesOutAndIsGivenUp()
    {
        await using var server = new LoopbackServer(_ => "hang");
        using var log = new LogList();
        using AlertSender sender = await StartAsync(server, s_quick with { Timeout = TimeSpan.FromSeconds(1), Retries = 1 }, log);

        sender.Alerted(State(), Alert(81));
        await log.SeesAsync("was not delivered");

        Assert.Equal(2, server.Requests.Count);
        await sender.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Alerted_QueueFull_DropsCountsAndNeverBlocks()
    {
        using var gate = new ManualResetEventSlim();
        await using var server = new LoopbackServer(_ =>
        {
            gate.Wait(TestContext.Current.CancellationToken);
            return Answer(200, "");
        });
        using var log = new LogList();
        using AlertSender sender = await StartAsync(server, s_quick with { QueueLength = 2 }, log);
        sender.Alerted(State(), Alert(80));
        await UntilAsync(() => !server.Requests.IsEmpty);

        for (int i = 0; i < 10; i++)
            sender.Alerted(State(), Alert(81 + i));
        gate.Set();
        await sender.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(3, server.Requests.Count);
        Assert.EndsWith("or the process stops: 8", Assert.Single(log.Lines).Line, StringComparison.Ordinal);
        sender.Alerted(State(), Alert(99));
        Assert.EndsWith("or the process stops: 1", log.Lines.Last().Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_ReceiverHangs_EndsWithTheGraceAndSaysWhatWasLost()
    {
        await using var server = new LoopbackServer(_ => "hang");
        using var log = new LogList();
        var time = new ManualTimeProvider();
        using AlertSender sender = await StartAsync(server, s_quick with { DrainGrace = TimeSpan.FromSeconds(5) }, log, time);
        sender.Alerted(State(), Alert(81));
        sender.Alerted(State(), Alert(82));
        await UntilAsync(() => !server.Requests.IsEmpty);

        Task stopped = sender.StopAsync(TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(stopped.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.2));
        await stopped.WaitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(2, log.Lines.Count);
        Assert.All(log.Lines, l => Assert.Contains("this process stops before the alert", l.Line, StringComparison.Ordinal));
    }

    [Fact]
    public void Id_SameCrossing_IsTheSameWhateverIsUsedAndHoweverTheCeilingIsWritten()
    {
        RunState state = State();
        string id = AlertMessage.Of(state, Alert(81), default).Id;

        Assert.Matches("^alert_[0-9a-f]{32}$", id);
        Assert.Equal(id, AlertMessage.Of(state, Alert(82) with { Ceiling = 100.00m, Threshold = 0.80m }, default).Id);
        Assert.NotEqual(id, AlertMessage.Of(State(), Alert(81), default).Id);
        Assert.NotEqual(id, AlertMessage.Of(state, Alert(81) with { Ceiling = 200 }, default).Id);
        Assert.NotEqual(id, AlertMessage.Of(state, Alert(81) with { Metric = BudgetMetric.Tokens }, default).Id);
        Assert.NotEqual(id, AlertMessage.Of(state, Alert(81) with { Scope = BudgetScope.Global }, default).Id);
    }

    [Theory]
    [InlineData("ftp://example.com/token-in-path")]
    [InlineData("/token-in-path")]
    [InlineData("https://token-in-path:x@example.com/")]
    public async Task Options_WebhookThatCannotBePostedTo_FailsTheStartWithoutSayingTheUrl(string url)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSteward(o => o.AlertWebhook = new Uri(url, UriKind.RelativeOrAbsolute)).UseInMemoryStore();
        using IHost host = builder.Build();

        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Contains("AlertWebhook must be an absolute http or https URL", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("token-in-path", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_OutOfRange_AreAllNamed()
    {
        var options = new StewardOptions
        {
            AlertWebhookSecret = " ",
            AlertDelivery = new() { Timeout = TimeSpan.Zero, Retries = 11, Delay = TimeSpan.FromHours(1), MaxDelay = TimeSpan.FromHours(1), QueueLength = 0, DrainGrace = TimeSpan.FromHours(1) },
        };

        ValidateOptionsResult result = new StewardOptionsValidator().Validate(null, options);

        Assert.Equal(7, result.Failures!.Count());
        Assert.All(result.Failures!, f => Assert.StartsWith("StewardOptions.Alert", f, StringComparison.Ordinal));
    }

    private static async Task<AlertSender> StartAsync(LoopbackServer server, AlertDeliveryOptions options, LogList log, TimeProvider? time = null)
    {
        var sender = new AlertSender(new Uri(server.Url + "/token-in-path"), Secret, options, time ?? TimeProvider.System, log.CreateLogger<AlertSender>());
        await sender.StartAsync(TestContext.Current.CancellationToken);
        return sender;
    }

    private static RunState State() => RunState.Empty(RunId.New(TimeProvider.System));

    private static BudgetAlert Alert(decimal used) => new(BudgetScope.ForTenant("acme"), BudgetMetric.Usd, 0.8m, used, 100);

    /// <summary>Checks a signature as a receiver would, from the header and the raw body alone.</summary>
    private static void Verify(Request request)
    {
        Dictionary<string, string> parts = request.Headers[AlertSignature.Header].Split(',').Select(p => p.Split('=')).ToDictionary(p => p[0], p => p[1]);
        byte[] expected = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes($"{parts["t"]}.{request.Body}"));
        Assert.Equal(Convert.ToHexStringLower(expected), parts["v1"]);
        Assert.InRange(DateTimeOffset.FromUnixTimeSeconds(long.Parse(parts["t"])), TimeProvider.System.GetUtcNow().AddMinutes(-5), TimeProvider.System.GetUtcNow());
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(5, TestContext.Current.CancellationToken);
    }

    /// <summary>A log that a test reads.</summary>
    private sealed class LogList : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<(LogLevel Level, string Line)> _lines = new();

        public ConcurrentQueue<(LogLevel Level, string Line)> Lines => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public ILogger<T> CreateLogger<T>() => new LoggerFactory([this]).CreateLogger<T>();

        public Task SeesAsync(string text) => UntilAsync(() => _lines.Any(l => l.Line.Contains(text, StringComparison.Ordinal)));

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Assert.DoesNotContain("token-in-path", $"{formatter(state, exception)}{exception}", StringComparison.Ordinal);
            _lines.Enqueue((logLevel, formatter(state, exception)));
        }

        public void Dispose()
        {
        }
    }
}
