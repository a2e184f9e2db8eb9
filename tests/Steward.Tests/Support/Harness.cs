using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Tests.Support;

/// <summary>A whole runtime in one process on a store that outlives it, so that a test can stop and start it.</summary>
internal sealed class Harness : IAsyncDisposable
{
    public const string Provider = "scripted";

    private readonly ServiceProvider _services;
    private readonly RunWorker _worker;
    private readonly HintListener _listener;

    public Harness(IStewardStore store, IChatClient model, AgentDefinition agent, Action<StewardOptions>? configure = null, TimeProvider? time = null)
    {
        Store = store;
        ServiceCollection services = new();
        services.AddLogging();
        services.AddSingleton(time ?? TimeProvider.System);
        services.AddSteward(o =>
            {
                o.Prices.Add(Price);
                o.PollInterval = TimeSpan.FromMilliseconds(50);
                o.WatchInterval = TimeSpan.FromMilliseconds(20);
                o.CancelGrace = TimeSpan.FromMilliseconds(300);
                o.DrainGrace = TimeSpan.FromSeconds(2);
                o.Retry = new ModelRetryOptions { Delay = TimeSpan.FromMilliseconds(5), MaxDelay = TimeSpan.FromMilliseconds(20) };
                configure?.Invoke(o);
            })
            .UseStore(store)
            .AddModels(Provider, (_, _) => model)
            .AddAgent(agent);
        _services = services.BuildServiceProvider();
        _worker = _services.GetRequiredService<RunWorker>();
        _listener = _services.GetServices<IHostedService>().OfType<HintListener>().Single();
        Client = _services.GetRequiredService<IStewardClient>();
    }

    /// <summary>$1 per million tokens in, $2 out.</summary>
    public static ModelInfo Price { get; } = new(Provider, "m", 1m, 2m, 0.1m, 1.25m, 1_000_000, 4_096, "test", "2026-11-23");

    public static ModelTarget Model { get; } = new(Provider, "m") { Stream = false, MaxOutput = 1_000 };

    public IStewardStore Store { get; }

    public IStewardClient Client { get; }

    public RunWorker Worker => _worker;

    public ModelRouter Router => _services.GetRequiredService<ModelRouter>();

    public IRunStreams Streams => _services.GetRequiredService<IRunStreams>();

    public static AgentBuilder Agent(params IReadOnlyList<ToolDefinition> tools) =>
        new AgentBuilder("tester").Instruct("You test.").UseModel(Model).AddTools(tools);

    public static ToolDefinition Tool(string name, Func<JsonElement, string> act, ToolEffect effect = ToolEffect.ReadOnly, string? schema = null) =>
        new(name, $"The tool {name}.", JsonElement.Parse(schema ?? """{"type":"object"}"""), (_, arguments, _) => ValueTask.FromResult(new ToolOutput(act(arguments)))) { Effect = effect };

    public async Task StartAsync()
    {
        await _listener.StartAsync(TestContext.Current.CancellationToken);
        await _worker.StartAsync(TestContext.Current.CancellationToken);
    }

    public async Task StopAsync()
    {
        await _worker.StopAsync(CancellationToken.None);
        await _listener.StopAsync(CancellationToken.None);
    }

    public async Task<RunResult> RunAsync(string text, RunRequest? request = null)
    {
        await StartAsync();
        RunHandle run = await Client.StartAsync("tester", request ?? new RunRequest(text), TestContext.Current.CancellationToken);
        return await run.WaitUntilSettledAsync(TestContext.Current.CancellationToken);
    }

    public async Task<List<RunEvent>> EventsAsync(RunId run)
    {
        List<RunEvent> events = [];
        await foreach (JournalEntry entry in Store.ReadAsync(run, 0, TestContext.Current.CancellationToken))
            events.Add(entry.Event);
        return events;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _services.DisposeAsync();
    }
}

/// <summary>A model in one function: the messages so far give the answer. Scripted; never a real model.</summary>
internal sealed class FunctionModel(Func<IReadOnlyList<ChatMessage>, ChatOptions, ChatResponse> answer) : IChatClient
{
    private int _calls;

    public int Calls => _calls;

    public static ChatResponse Says(string text, long input = 100, long output = 10) => new(new ChatMessage(ChatRole.Assistant, text))
    {
        FinishReason = ChatFinishReason.Stop,
        Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output },
    };

    public static ChatResponse Calls_(params (string Name, object Arguments)[] calls) =>
        CallsWithIds([.. calls.Select((c, i) => ($"c{i}", c.Name, c.Arguments))]);

    public static ChatResponse CallsWithIds(params (string Id, string Name, object Arguments)[] calls) => new(new ChatMessage(
        ChatRole.Assistant,
        [.. calls.Select(c => (AIContent)new FunctionCallContent(c.Id, c.Name, JsonSerializer.SerializeToElement(c.Arguments).EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value)))]))
    {
        FinishReason = ChatFinishReason.ToolCalls,
        Usage = new UsageDetails { InputTokenCount = 100, OutputTokenCount = 10 },
    };

    /// <summary>Answers in order, by the number of assistant messages in the conversation, so that it is the same after a restart.</summary>
    public static FunctionModel Script(params ChatResponse[] turns) => new((messages, _) =>
        turns[Math.Min(turns.Length - 1, messages.Count(m => m.Role == ChatRole.Assistant))]);

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _calls);
        return Task.FromResult(answer((IReadOnlyList<ChatMessage>)messages, options!));
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatResponse response = await GetResponseAsync(messages, options, cancellationToken);
        foreach (ChatResponseUpdate update in response.ToChatResponseUpdates())
            yield return update;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
