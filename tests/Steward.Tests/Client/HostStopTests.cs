using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Agents;
using Steward.Client;
using Steward.Hosting;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Client;

/// <summary>A host that is told to stop does not hang on those who wait for runs. The models are scripted.</summary>
public sealed class HostStopTests
{
    [Fact]
    public async Task Wait_HostStops_EndsAndSaysSo()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSteward(o => o.Prices.Add(Harness.Price))
            .UseInMemoryStore()
            .AddModels(Harness.Price.Provider, (_, _) => new FunctionModel((_, _) => Calls_(("ask_user", new { question = "Which one?" }))))
            .AddAgent(Harness.Agent(BuiltInTools.AskUser).Build());
        using IHost host = builder.Build();
        await host.StartAsync(token);
        RunHandle run = await host.Services.GetRequiredService<IStewardClient>().StartAsync(Harness.Agent().Build().Name, new RunRequest("go"), token);
        await run.WaitUntilSettledAsync(token);
        Task<RunResult> wait = run.WaitAsync(token);

        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        Assert.Contains("The host stops", error.Message, StringComparison.Ordinal);
        await host.StopAsync(token);
    }
}
