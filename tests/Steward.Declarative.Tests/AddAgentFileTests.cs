using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Client;
using Steward.Hosting;
using Steward.Journal;

namespace Steward.Declarative.Tests;

public sealed class AddAgentFileTests
{
    private static string Script(string name) =>
        $"name: {name}\nprices: {{ input: 1, output: 2 }}\nturns: [{{ when: {{ default: true }}, say: 'This is {name}.' }}]";

    [Fact]
    public async Task AddAgentFile_InAHost_RunsTheAgent()
    {
        using AgentFolder folder = Agent("greeter");
        await using ServiceProvider services = await StartAsync(s => s.AddAgentFile(folder.Path));

        Assert.Equal("This is greeter.", (await RunAsync(services, "greeter")).Output);
    }

    [Fact]
    public async Task AddAgentFile_Twice_EachAgentHasItsOwnScript()
    {
        using AgentFolder one = Agent("one");
        using AgentFolder two = Agent("two");
        await using ServiceProvider services = await StartAsync(s => s.AddAgentFile(one.Path).AddAgentFile(two.File("agent.yaml")));

        Assert.Equal("This is one.", (await RunAsync(services, "one")).Output);
        Assert.Equal("This is two.", (await RunAsync(services, "two")).Output);
    }

    [Fact]
    public async Task AddAgentFile_AgentThatCallsAnother_BothAreThere()
    {
        using AgentFolder folder = new(
            ("agent.yaml", "name: boss\nscript: script.yaml\nagents: [{ agent: helper, description: Helps. }]"),
            ("script.yaml", "name: boss\nturns:\n  - { when: { user: go }, call: { tool: helper, arguments: { task: help } } }\n  - { when: { tool_result: helper }, say: 'It said {{result}}' }"),
            ("helper/agent.yaml", "name: helper\nscript: script.yaml"),
            ("helper/script.yaml", Script("helper")));
        await using ServiceProvider services = await StartAsync(s => s.AddAgentFile(folder.Path));

        Assert.Contains("This is helper.", (await RunAsync(services, "boss")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void AddAgentFile_TwoAgentsOfOneName_IsRefusedWithBothFolders()
    {
        using AgentFolder one = Agent("same");
        using AgentFolder two = Agent("same");
        StewardBuilder steward = new ServiceCollection().AddSteward().AddAgentFile(one.Path);

        var error = Assert.Throws<InvalidOperationException>(() => steward.AddAgentFile(two.Path));
        Assert.Contains("There are two agents 'same'", error.Message, StringComparison.Ordinal);
        Assert.Contains(one.Path, error.Message, StringComparison.Ordinal);
        Assert.Contains(two.Path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AddAgentFile_ScriptsOfOneName_IsRefused()
    {
        using AgentFolder one = Agent("one");
        using AgentFolder two = new(("agent.yaml", "name: two\nscript: script.yaml"), ("script.yaml", Script("one")));
        StewardBuilder steward = new ServiceCollection().AddSteward().AddAgentFile(one.Path);

        var error = Assert.Throws<InvalidOperationException>(() => steward.AddAgentFile(two.Path));
        Assert.Contains("are both called 'one'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AddAgentFile_WrongFile_IsRefusedWhenItIsAdded()
    {
        using AgentFolder folder = new(("agent.yaml", "name: a\nscript: nowhere.yaml"));

        var error = Assert.Throws<AgentFileException>(() => new ServiceCollection().AddSteward().AddAgentFile(folder.Path));
        Assert.Contains("agent.yaml(2,", error.Message, StringComparison.Ordinal);
    }

    private static AgentFolder Agent(string name) =>
        new(("agent.yaml", $"name: {name}\nscript: script.yaml"), ("script.yaml", Script(name)));

    private static async Task<ServiceProvider> StartAsync(Action<StewardBuilder> add)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        add(services.AddSteward(o => o.PollInterval = TimeSpan.FromMilliseconds(50)).UseInMemoryStore());
        ServiceProvider provider = services.BuildServiceProvider();
        foreach (IHostedService service in provider.GetServices<IHostedService>())
            await service.StartAsync(TestContext.Current.CancellationToken);
        return provider;
    }

    private static async Task<RunResult> RunAsync(ServiceProvider services, string agent)
    {
        RunHandle run = await services.GetRequiredService<IStewardClient>().StartAsync(agent, new RunRequest("go"), TestContext.Current.CancellationToken);
        RunResult result = await run.WaitUntilSettledAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Equal(RunStatus.Completed, result.Status);
        return result;
    }
}
