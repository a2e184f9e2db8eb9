using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Client;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.State;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine.Seams;

public sealed class EffectScopeTests
{
    [Fact]
    public async Task Scope_AroundEachModelAndToolCall_IsOpenInsideAndClosedAfter()
    {
        var scope = new Ambient();
        List<string?> seen = [];
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<IEffectScope>(scope);
        builder.Services.AddSteward(o => o.Prices.Add(Harness.Price))
            .UseInMemoryStore()
            .AddModels(Harness.Provider, (_, _) => new FunctionModel((messages, _) =>
            {
                seen.Add(scope.Current);
                return messages.Count > 2 ? Says("done") : Calls_(("look", new { }));
            }))
            .AddAgent(Harness.Agent(Harness.Tool("look", _ =>
            {
                seen.Add(scope.Current);
                return "seven";
            })).Build());
        using IHost host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        RunHandle run = await host.Services.GetRequiredService<IStewardClient>().StartAsync("tester", new RunRequest("go"), TestContext.Current.CancellationToken);
        await run.WaitAsync(TestContext.Current.CancellationToken);
        await host.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["ModelStarted", "ToolStarted", "ModelStarted"], seen);
        Assert.Equal(3, scope.Closed);
    }

    private sealed class Ambient : IEffectScope
    {
        private readonly AsyncLocal<string?> _current = new();

        public string? Current => _current.Value;

        public int Closed { get; private set; }

        public IDisposable Begin(RunState state, RunEvent intent)
        {
            _current.Value = intent.GetType().Name;
            return new End(this);
        }

        private sealed class End(Ambient ambient) : IDisposable
        {
            public void Dispose()
            {
                ambient._current.Value = null;
                ambient.Closed++;
            }
        }
    }
}
