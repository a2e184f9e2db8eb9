using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Client;
using Steward.Hosting;
using Steward.Journal;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine.Seams;

/// <summary>What a source will offer is unknown when the agent is built; a policy that then names nothing is in the log.</summary>
public sealed class ToolSourcePolicyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("catalog__fnd", 1)]
    [InlineData("catalog__*", 0)]
    [InlineData("look", 0)]
    public async Task Run_APolicyThatNamesNoToolOfTheSource_IsLogged(string tool, int warnings)
    {
        AgentDefinition agent = Harness.Agent(Harness.Tool("look", _ => "seven")).AddToolSources(new CatalogSource(CatalogSource.Tool("catalog__find")))
            .AddApprovals(new ApprovalPolicy { Name = "guard", Tools = [tool] }).Build();
        using var lines = new Lines();
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(lines);
        builder.Services.AddSteward(o => o.Prices.Add(Harness.Price)).UseInMemoryStore()
            .AddModels(Harness.Provider, (_, _) => Script(Says("done"))).AddAgent(agent);
        using IHost host = builder.Build();
        await host.StartAsync(Token);
        RunHandle run = await host.Services.GetRequiredService<IStewardClient>().StartAsync("tester", new RunRequest("go"), Token);
        Assert.Equal(RunStatus.Completed, (await run.WaitAsync(Token)).Status);
        await host.StopAsync(Token);

        Assert.Equal(warnings, lines.Written.Count(l => l.EndsWith($"the approval policy guard names the tool {tool}, and neither the agent nor its sources have it; it guards nothing", StringComparison.Ordinal)));
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Written { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Written.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
