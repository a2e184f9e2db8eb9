using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Declarative.Sections;
using Steward.Client;
using Steward.Hosting;
using Steward.Models;
using Steward.Sqlite;

namespace Steward.Declarative.Tests;

/// <summary>The runtime in this process, with an agent as it was loaded.</summary>
internal sealed class SampleRuntime : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly AgentFile _file;

    private SampleRuntime(AgentFile file, bool durable)
    {
        _file = file;
        var services = new ServiceCollection();
        services.AddLogging();
        StewardBuilder steward = services.AddSteward(o => o.PollInterval = TimeSpan.FromMilliseconds(50)).AddAgentFile(file);
        if (durable)
            steward.UseSqlite(Directory.CreateDirectory(Path.GetDirectoryName(file.Store.Path!)!).FullName + "/runs.db");
        else
            steward.UseInMemoryStore();
        _services = services.BuildServiceProvider();
    }

    public static async Task<SampleRuntime> StartAsync(AgentFile file, bool durable = false)
    {
        var runtime = new SampleRuntime(file, durable);
        foreach (IHostedService service in runtime._services.GetServices<IHostedService>())
            await service.StartAsync(TestContext.Current.CancellationToken);
        return runtime;
    }

    public async Task<RunResult> RunAsync(string text)
    {
        RunHandle run = await _services.GetRequiredService<IStewardClient>().StartAsync(_file.Agent.Name, new RunRequest(text), TestContext.Current.CancellationToken);
        return await run.WaitUntilSettledAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IHostedService service in _services.GetServices<IHostedService>())
            await service.StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
    }
}
