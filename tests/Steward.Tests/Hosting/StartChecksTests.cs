using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Agents;
using Steward.Client;
using Steward.Hosting;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;

namespace Steward.Tests.Hosting;

/// <summary>A host that cannot do what it is set up for does not start, and says what to call.</summary>
public sealed class StartChecksTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Start_WithoutAStore_SaysWhatToCall()
    {
        using IHost host = Host(steward => steward.AddAgent(Harness.Agent().Build()));
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync(Token));

        Assert.StartsWith("No store is registered, so there is nowhere to keep runs. Call UseSqlite(", e.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(host.Services.GetRequiredService<IStewardClient>);
    }

    [Fact]
    public async Task Start_AnAgentThatIsCalledAndNotRegistered_IsNamed()
    {
        AgentDefinition boss = new AgentBuilder("boss").UseModel(Harness.Model)
            .AddTools(BuiltInTools.HandOffTo("cashier", "Pays."), BuiltInTools.Agent("boss", "Itself.", "again")).Build();
        using (IHost host = Host(steward => steward.UseInMemoryStore().AddAgent(boss)))
        {
            InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync(Token));
            Assert.Equal(
                "The agent 'boss' calls the agent 'cashier' with its tool 'hand_off_to_cashier', and no agent of that name is registered. Add it with AddAgent, or take the tool out. Write one of: boss.",
                e.Message);
        }

        // In any order; and a process that only starts runs need not know whom they call.
        AgentDefinition cashier = new AgentBuilder("cashier").UseModel(Harness.Model).Build();
        using IHost both = Host(steward => steward.UseInMemoryStore().AddAgent(boss).AddAgent(cashier));
        await both.StartAsync(Token);
        await both.StopAsync(Token);
        using IHost caller = Host(steward => steward.UseInMemoryStore().AddAgent(boss), o => o.RunWorker = false);
        await caller.StartAsync(Token);
        await caller.StopAsync(Token);
    }

    [Fact]
    public async Task Start_TwoDefinitionsOfOneVersion_IsAnError()
    {
        using IHost host = Host(steward => steward.UseInMemoryStore()
            .AddAgent(Harness.Agent().Build()).AddAgent(Harness.Agent().Instruct("You do otherwise.").Build()));
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => host.StartAsync(Token));

        Assert.Contains("two different definitions of the agent 'tester' in version '1'", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", null, null, null, "RunRequest.Tenant is empty; name the tenant, or leave it out for 'default'.")]
    [InlineData(" ", null, null, null, "RunRequest.Tenant is empty; name the tenant, or leave it out for 'default'.")]
    [InlineData("acme", "", null, null, "RunRequest.User is empty; give a value, or null for none.")]
    [InlineData("acme", null, " ", null, "RunRequest.Session is empty; give a value, or null for none.")]
    [InlineData("acme", null, null, "", "RunRequest.Key is empty; give a value, or null for none.")]
    public async Task Run_WithAnEmptyName_IsRefused(string tenant, string? user, string? session, string? key, string says)
    {
        var lab = new Lab(FunctionModel.Script(FunctionModel.Says("done")), Harness.Agent().Build());
        var request = new RunRequest("go") { Tenant = tenant, User = user, Session = session, Key = key };

        Assert.Equal(says, (await Assert.ThrowsAsync<ArgumentException>(() => lab.StartAsync(request))).Message);
        Assert.Empty(await lab.Store.FindAsync(new RunQuery(), Token));
    }

    private static IHost Host(Action<StewardBuilder> add, Action<StewardOptions>? configure = null)
    {
        HostApplicationBuilder builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        add(builder.Services.AddSteward(configure));
        return builder.Build();
    }
}
