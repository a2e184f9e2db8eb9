using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Client;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.Storage;
using Steward.Tools;

namespace Steward.OpenTelemetry.Tests;

/// <summary>An application with a worker, on a store that outlives it.</summary>
internal sealed class TelemetryHost : IAsyncDisposable
{
    private readonly IHost _host;

    private TelemetryHost(IHost host) => _host = host;

    public IStewardClient Client => _host.Services.GetRequiredService<IStewardClient>();

    public IServiceProvider Services => _host.Services;

    public static ModelTarget Model(string name, int retries = 2) => new("scripted", name) { Stream = false, MaxOutput = 500, Retries = retries };

    public static ToolDefinition Tool(string name, Func<JsonElement, CancellationToken, ValueTask<string>> act, ToolEffect effect = ToolEffect.ReadOnly) =>
        new(name, $"The tool {name}.", JsonElement.Parse("""{"type":"object"}"""), async (_, arguments, stop) => new ToolOutput(await act(arguments, stop))) { Effect = effect };

    public static async Task<TelemetryHost> StartAsync(
        IStewardStore store,
        AgentDefinition agent,
        Func<string, IReadOnlyList<ChatMessage>, ChatResponse> answer,
        Action<StewardBuilder>? telemetry = null,
        Action<StewardOptions>? configure = null)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        StewardBuilder steward = builder.Services.AddSteward(o =>
            {
                o.PollInterval = TimeSpan.FromMilliseconds(30);
                o.WatchInterval = TimeSpan.FromMilliseconds(20);
                o.CancelGrace = TimeSpan.FromMilliseconds(200);
                o.DrainGrace = TimeSpan.FromMilliseconds(200);
                o.Retry = new ModelRetryOptions { Delay = TimeSpan.FromMilliseconds(5), MaxDelay = TimeSpan.FromMilliseconds(20) };
                foreach (string model in (string[])["m", "backup"])
                    o.Prices.Add(new ModelInfo("scripted", model, 1m, 2m, 0.1m, 1.25m, 1_000_000, 4_096, "test", "2026-11-23"));
                configure?.Invoke(o);
            })
            .UseStore(store)
            .AddModels("scripted", (_, target) => new AnsweringModel(m => answer(target.Model, m)))
            .AddAgent(agent);
        telemetry?.Invoke(steward);
        IHost host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new TelemetryHost(host);
    }

    /// <summary>Starts a run and waits until it has ended, or waits for a person.</summary>
    public async Task<(RunHandle Run, RunResult Result)> RunAsync(string text, RunRequest? request = null)
    {
        RunHandle run = await Client.StartAsync("tester", request ?? new RunRequest(text), TestContext.Current.CancellationToken);
        return (run, await run.WaitUntilSettledAsync(TestContext.Current.CancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        if (_host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
    }

    public static ChatResponse Says(string text) => new(new ChatMessage(ChatRole.Assistant, text))
    {
        FinishReason = ChatFinishReason.Stop,
        Usage = new UsageDetails { InputTokenCount = 100, OutputTokenCount = 10, CachedInputTokenCount = 40 },
        ResponseId = "r1",
        ModelId = "m-2026",
    };

    public static ChatResponse Calls(params (string Name, string Argument)[] calls) => new(new ChatMessage(
        ChatRole.Assistant,
        [.. calls.Select((c, i) => (AIContent)new FunctionCallContent($"c{i}", c.Name, new Dictionary<string, object?> { ["x"] = c.Argument }))]))
    {
        FinishReason = ChatFinishReason.ToolCalls,
        Usage = new UsageDetails { InputTokenCount = 100, OutputTokenCount = 10 },
    };

    private sealed class AnsweringModel(Func<IReadOnlyList<ChatMessage>, ChatResponse> answer) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(answer([.. messages]));

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException("This model does not stream.");

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
