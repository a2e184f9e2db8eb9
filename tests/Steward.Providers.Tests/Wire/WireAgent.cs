using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Agents;
using Steward.Client;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Tools;

namespace Steward.Providers.Tests.OnTheWire;

/// <summary>What a whole run came to: its result, its journal, and the effects that were made.</summary>
internal sealed record WireRun(RunResult Result, RunState State, IReadOnlyList<RunEvent> Events, IReadOnlyList<string> Effects)
{
    public IEnumerable<T> Of<T>()
        where T : RunEvent => Events.OfType<T>();

    /// <summary>What the model was told in the place of results.</summary>
    public string Told => string.Join("\n", Of<ToolRejected>().Select(r => r.Message));
}

/// <summary>Runs an agent with the tools of the wire README on models at given addresses, from the request to the end of the run.</summary>
internal static class WireAgent
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <summary>Runs it on the models of a route, each with its own address.</summary>
    public static Task<WireRun> RunAsync(bool stream, params (Api Api, string Model, Uri Url)[] route) =>
        RunAsync(stream, new RunRequest("Do it."), route);

    /// <summary>Runs a request of more than words.</summary>
    public static async Task<WireRun> RunAsync(bool stream, RunRequest request, params (Api Api, string Model, Uri Url)[] route)
    {
        List<string> effects = [];
        ModelTarget[] targets = [.. route.Select((r, i) => new ModelTarget($"p{i}", r.Model) { Stream = stream })];
        AgentDefinition agent = new AgentBuilder("wire").Instruct("You help.").UseModel(targets).AddTools(Tools(effects)).Build();
        var services = new ServiceCollection();
        services.AddLogging();
        StewardBuilder steward = services.AddSteward(o =>
        {
            o.PollInterval = TimeSpan.FromMilliseconds(20);
            o.Retry = new ModelRetryOptions { Delay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(1) };
            for (int i = 0; i < route.Length; i++)
                o.Prices.Add(new ModelInfo($"p{i}", route[i].Model, 1, 2, null, null, 200_000, 8_192, "test", "2026-11-30"));
        }).UseInMemoryStore().AddAgent(agent);
        for (int i = 0; i < route.Length; i++)
        {
            (Api api, string model, Uri url) = route[i];
            var options = new ProviderOptions { ApiKey = FakeProvider.Key, BaseUrl = url };
            steward.AddModels($"p{i}", (_, _) =>
                api == Api.Anthropic ? ModelProviders.CreateAnthropic(model, options) : ModelProviders.CreateOpenAI(model, options));
        }

        await using ServiceProvider provider = services.BuildServiceProvider();
        foreach (IHostedService service in provider.GetServices<IHostedService>())
            await service.StartAsync(TestContext.Current.CancellationToken);
        CancellationToken token = TestContext.Current.CancellationToken;
        try
        {
            RunHandle run = await provider.GetRequiredService<IStewardClient>().StartAsync("wire", request, token);
            RunResult result = await run.WaitUntilSettledAsync(token).WaitAsync(s_limit, token);
            RunState state = await run.GetStateAsync(token);
            List<RunEvent> events = [];
            await foreach (JournalEntry entry in run.FollowAsync(cancellationToken: token))
            {
                events.Add(entry.Event);
                if (entry.Sequence == state.Sequence)
                    break;
            }

            lock (effects)
                return new WireRun(result, state, events, [.. effects]);
        }
        finally
        {
            foreach (IHostedService service in provider.GetServices<IHostedService>())
                await service.StopAsync(CancellationToken.None);
        }
    }

    private static ToolDefinition[] Tools(List<string> effects) =>
    [
        Tool("find", "q", ToolEffect.ReadOnly, effects),
        Tool("wipe", "filter", ToolEffect.Unsafe, effects),
        ToolFactory.FromMethod(() => double.NaN, new ToolOptions { Name = "pay", Description = "Tested.", Effect = ToolEffect.Unsafe }),
        ToolFactory.FromMethod(() => new Cycle(), new ToolOptions { Name = "ship", Description = "Tested.", Effect = ToolEffect.Unsafe }),
        ToolFactory.FromMethod((int i) => Note(effects, $"n:{i}"), new ToolOptions { Name = "n", Description = "Tested.", Effect = ToolEffect.ReadOnly }),
        ToolFactory.FromMethod(string () => throw new ToolException("It broke."), new ToolOptions { Name = "boom", Description = "Tested.", Effect = ToolEffect.ReadOnly }),
        ToolFactory.FromMethod(() => "", new ToolOptions { Name = "nothing", Description = "Tested.", Effect = ToolEffect.ReadOnly }),
    ];

    private static ToolDefinition Tool(string name, string argument, ToolEffect effect, List<string> effects)
    {
        JsonElement schema = JsonElement.Parse("{\"type\":\"object\",\"properties\":{\"" + argument + "\":{\"type\":\"string\"}}}");
        return new ToolDefinition(name, name, schema, (_, arguments, _) =>
            ValueTask.FromResult(new ToolOutput(Note(effects, $"{name}:{arguments.GetRawText()}"))))
        {
            Effect = effect,
            MaxRepeats = 100,
        };
    }

    private static string Note(List<string> effects, string effect)
    {
        lock (effects)
            effects.Add(effect);
        return "ok";
    }

    private sealed class Cycle
    {
        public Cycle Self => this;
    }
}
