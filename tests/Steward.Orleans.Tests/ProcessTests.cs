using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Client;
using Steward.Journal;
using Steward.OrleansHost;

namespace Steward.Orleans.Tests;

/// <summary>Silos killed, frozen and restarted with runs under way.</summary>
public sealed class ProcessTests(ITestOutputHelper output) : SiloFaults
{
    [Fact]
    public async Task Silo_KilledWithRunsUnderWay_AllEndElsewhereAndEachEffectHappensOnce()
    {
        (SiloProcess first, _) = await TwoSilosAsync();
        RunHandle[] runs = await BeginAsync();

        first.Kill();
        await EndAsync(runs);

        await CheckJournalsAsync(runs);
        Assert.Equal((EffectsOf(runs), EffectsOf(runs)), await LedgerAsync());
        int taken = await TakenOverAsync(runs);
        Assert.NotEqual(0, taken);
        output.WriteLine($"Taken over: {taken} of {runs.Length} runs.");
    }

    [Fact]
    public async Task Silo_FrozenAndThawed_IsFencedAndChangesNothing()
    {
        (SiloProcess first, _) = await TwoSilosAsync();
        RunHandle[] runs = await BeginAsync();

        first.Stop();
        await EndAsync(runs);
        long before = await Schema.ScalarAsync<long>("SELECT count(*) FROM steward.event");
        long effects = await Schema.ScalarAsync<long>("SELECT count(*) FROM steward.ledger");
        first.Continue();

        // Declared dead meanwhile, it ends itself; otherwise its next sign of life tells it that nothing is its own any more.
        await EventuallyAsync(async () => first.HasExited || await Schema.ScalarAsync<long>("SELECT count(*) FROM steward.node WHERE expires_at > clock_timestamp()") == 2);
        RunHandle after = await Client.StartAsync("quick", new RunRequest("go"), Token);
        await EndAsync([after]);
        Assert.Equal(0, await Schema.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE worker IS NOT NULL"));
        Assert.Equal(before, await Schema.ScalarAsync<long>($"SELECT count(*) FROM steward.event WHERE run <> (SELECT id FROM steward.run WHERE uuid = '{after.Id.Value}')"));
        await CheckJournalsAsync(runs);
        (long all, long distinct) = await LedgerAsync();
        Assert.Equal(EffectsOf(runs), distinct);
        Assert.True(all - effects <= runs.Length, $"{all - effects} effects after the thaw: more than the calls that can have been under way.");
        output.WriteLine($"Taken over: {await TakenOverAsync(runs)} of {runs.Length} runs; the zombie appended nothing, of {first.Output.Split("fenced").Length - 1} attempts that it noticed itself; {all - distinct} of its calls that were on their way at the freeze went out after it.");
    }

    /// <summary>Frozen until the others have declared it dead, and thawed while they are at work on its runs.</summary>
    [Fact]
    public async Task Silo_FrozenUntilItIsDeclaredDeadAndThawedUnderLoad_EndsItselfAndChangesNothing()
    {
        (SiloProcess first, _) = await TwoSilosAsync();
        List<RunHandle> runs = [.. await BeginAsync()];

        first.Stop();
        await LoadUntilAsync(runs, () => IsDeadAsync(first));
        long atThaw = await Schema.ScalarAsync<long>("SELECT count(*) FROM steward.ledger");
        DateTime thawed = await Schema.ScalarAsync<DateTime>("SELECT clock_timestamp()");
        first.Continue();
        await LoadUntilAsync(runs, () => Task.FromResult(first.HasExited));
        await EndAsync([.. runs]);

        await CheckJournalsAsync([.. runs]);
        (long all, long distinct) = await LedgerAsync();
        Assert.Equal(runs.Count * ScriptedAgents.Steps, distinct);
        Assert.Equal(0, await Schema.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE worker IS NOT NULL"));

        // It could append nothing after the thaw: each of its runs had been claimed by the other, under a later epoch. What went out of it then are calls that were under way.
        string zombie = $":{first.Port}@";
        foreach (RunHandle run in runs)
        {
            List<RunClaimed> claims = (await Schema.EventsAsync(run.Id)).OfType<RunClaimed>().ToList();
            Assert.True(claims.Count == 1 || !claims[^1].Worker.Contains(zombie, StringComparison.Ordinal), $"{run.Id} went back to the silo that was declared dead.");
        }

        Assert.InRange(all - distinct, 0, Runs);
        Assert.NotEqual(0, await TakenOverAsync([.. runs]));
        output.WriteLine($"{runs.Count} runs, {distinct} effects, {all - distinct} twice (calls that were on their way at the freeze); {await TakenOverAsync([.. runs])} runs taken over, {atThaw} effects at the thaw ({thawed:T}); the silo noticed {first.Output.Split("fenced").Length - 1} refused appends and ended itself.");
    }

    [Fact]
    public async Task Silos_RestartedOneAfterTheOther_AllRunsEndAndEachEffectHappensOnce()
    {
        (SiloProcess first, SiloProcess second) = await TwoSilosAsync();
        RunHandle[] runs = await BeginAsync();

        Assert.Equal(0, await first.TerminateAsync());
        await SiloAsync();
        Assert.Equal(0, await second.TerminateAsync());
        await SiloAsync();
        await EndAsync(runs);

        await CheckJournalsAsync(runs);
        Assert.Equal((EffectsOf(runs), EffectsOf(runs)), await LedgerAsync());
    }
}
