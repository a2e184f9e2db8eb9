using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Client;
using Steward.Journal;
using Steward.OrleansHost;

namespace Steward.Orleans.Tests;

/// <summary>Fault N3: silos that cannot hear each other, and both reach the database.</summary>
public sealed class PartedTests(ITestOutputHelper output) : SiloFaults
{
    private readonly List<SiloProxy> _proxies = [];

    protected override void AfterSilos()
    {
        foreach (SiloProxy proxy in _proxies)
            proxy.Dispose();
    }

    /// <summary>Fault N3: the two cannot hear each other, in both directions or one, and both reach the database. None is declared dead.</summary>
    [Theory]
    [InlineData(true, true, false)]
    [InlineData(true, false, true)]
    public async Task Silos_WhoseMessagesAreLostForAWhile_EachEffectHappensOnceAndAllRunsEnd(bool toSecond, bool toFirst, bool late)
    {
        (SiloProxy one, SiloProxy two) = await TwoPartedSilosAsync(missedProbes: 100);
        List<RunHandle> runs = [.. await BeginAsync()];

        two.Part(inward: toSecond, outward: toFirst);
        one.Part(inward: toFirst, outward: toSecond);
        long began = TimeProvider.System.GetTimestamp();
        await LoadUntilAsync(runs, () => Task.FromResult(TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(10)));
        RunHandle told = await Client.StartAsync("waiter", new RunRequest("go"), Token);
        await EventuallyAsync(async () => await told.GetInfoAsync(Token) is { Status: RunStatus.Awaiting, Worker: null });
        await told.SignalAsync("go", cancellationToken: Token);
        await EndAsync([told]);
        one.Heal(late);
        two.Heal(late);
        await LoadUntilAsync(runs, () => Task.FromResult(TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(13)));
        await EndAsync([.. runs]);

        await CheckJournalsAsync([.. runs]);
        int notPlaced = Silos.Sum(s => s.Output.Split("Orleans did not place it").Length - 1);
        Assert.True(notPlaced > 0, "No message was missed.");
        Assert.All(Silos, s => Assert.False(s.HasExited));
        long effects = runs.Count * ScriptedAgents.Steps;
        Assert.Equal((effects, effects), await LedgerAsync());
        output.WriteLine($"{runs.Count} runs, {effects} effects, each once; what was held back {(late ? "came late" : "was lost")}; {notPlaced} runs were claimed without Orleans; {await TakenOverAsync([.. runs])} runs had two workers.");
    }

    /// <summary>Fault N3, until one of the two declares the other dead: that one ends itself, and the other goes on with its runs.</summary>
    [Fact]
    public async Task Silos_WhoseMessagesAreLostUntilOneIsDeclaredDead_EachEffectHappensOnceAndAllRunsEnd()
    {
        (SiloProxy one, SiloProxy two) = await TwoPartedSilosAsync(missedProbes: 3);
        List<RunHandle> runs = [.. await BeginAsync()];

        one.Part(inward: true, outward: true);
        two.Part(inward: true, outward: true);
        await LoadUntilAsync(runs, () => Task.FromResult(Silos.Count(s => s.HasExited) == 1));
        await EndAsync([.. runs]);

        await CheckJournalsAsync([.. runs]);
        Assert.Equal(1, await Schema.ScalarAsync<long>("SELECT count(*) FROM steward.silo WHERE status = 'Active'"));
        long effects = runs.Count * ScriptedAgents.Steps;
        Assert.Equal((effects, effects), await LedgerAsync());
        output.WriteLine($"{runs.Count} runs, {effects} effects, each once; {await TakenOverAsync([.. runs])} runs taken over from the silo that was declared dead; {Silos.Sum(s => s.Output.Split("Orleans did not place it").Length - 1)} were claimed without Orleans.");
    }

    private async Task<(SiloProxy First, SiloProxy Second)> TwoPartedSilosAsync(int missedProbes)
    {
        _proxies.AddRange([new SiloProxy(), new SiloProxy()]);
        foreach (SiloProxy proxy in _proxies)
            await SiloAsync(proxy, missedProbes);
        await ConnectAsync();
        return (_proxies[0], _proxies[1]);
    }
}
