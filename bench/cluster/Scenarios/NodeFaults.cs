using Steward.ClusterBench.Bed;
using Steward.ClusterBench.Faults;
using Steward.ClusterBench.Load;
using Steward.Journal;

namespace Steward.ClusterBench.Scenarios;

/// <summary>Nodes that freeze, die, or are replaced; and what is asked of them meanwhile.</summary>
internal static class NodeFaults
{
    private const int Runs = 24;

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("freeze", "N1", "a node stands still for longer than its lease (SIGSTOP), others take over, it wakes up", FreezeAsync) { IsQuick = true },
        new("stolen-runs", "N1", "a node's lease ends behind its back, as by a leap of the database's clock: another worker claims its runs while it is at work, three times", StolenAsync) { IsQuick = true },
        new("clock-stops", "N9", "the same, and its monotonic clock stood still as well, as in a suspended virtual machine (LD_PRELOAD)", ClockStopsAsync) { Missing = Needs.Compiler },
        new("node-dies", "C9", "one of three nodes after the other is killed (SIGKILL) and replaced, three times", NodeDiesAsync),
        new("all-die", "N7", "all three nodes are killed at once; two others come", AllDieAsync),
        new("same-name", "N8", "the only node is killed and comes back at once under the same name, three times", SameNameAsync),
        new("wake-race", "N5", "24 parked runs are woken at once, by signals sent twice, before three idle nodes", WakeRaceAsync) { IsQuick = true },
        new("rolling-upgrade", "N6", "nodes of version 2 replace those of version 1 under load", RollingUpgradeAsync),
        new("kill-switch", "", "a tenant is switched off for two seconds under load, on two nodes; one is killed meanwhile", KillSwitchAsync) { IsQuick = true },
    ];

    private static Task FreezeAsync(TestBed bed) => StandStillAsync(bed, bed.StartNodeAsync(bed.NodeOptions("frozen")), () => { });

    private static async Task ClockStopsAsync(TestBed bed)
    {
        using StoppedClock clock = await StoppedClock.CompileAsync(bed.Folder);
        await StandStillAsync(bed, bed.StartNodeAsync(bed.NodeOptions("frozen"), clock.Wrap), () => clock.SetBackBy(Clock.Now - bed.Takeovers[0].At));
        await bed.Load.AllEndAsync();
        ExpectationException.ThrowIfNot(clock.WasRead, "The node's clock was never set back.");
    }

    /// <summary>The thief appends nothing, so only the epoch tells the victim's appends from rightful ones: the sequence they expect is the right one.</summary>
    private static async Task StolenAsync(TestBed bed)
    {
        await bed.StartNodeAsync(bed.NodeOptions("victim"));
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        for (int i = 0; i < 3; i++)
        {
            await bed.EffectsAsync(bed.Effects + 20);
            await bed.VictimAsync("victim");
            await bed.Postgres.ScalarAsync<object>("UPDATE steward.node SET expires_at = clock_timestamp() - interval '1 hour'");
            await bed.Postgres.ScalarAsync<object>("UPDATE steward.run SET claimable_at = clock_timestamp() - interval '1 hour' WHERE worker IS NOT NULL");
            bed.Faults += await bed.Load.StealAsync(TimeSpan.FromSeconds(1));
        }

        await bed.Load.AllEndAsync();
    }

    private static async Task StandStillAsync(TestBed bed, Task<Child> victim, Action beforeItWakes)
    {
        Child frozen = await victim;
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        await bed.EffectsAsync(30);
        Task<Child> other = bed.StartNodeAsync();
        await bed.VictimAsync("frozen");
        frozen.Freeze();
        bed.Faults++;
        await other;
        await TestBed.UntilAsync(async () => (await bed.Load.HeldByAsync("frozen")).Count == 0, "the frozen node's runs are taken over");
        beforeItWakes();
        frozen.Thaw();
    }

    private static async Task NodeDiesAsync(TestBed bed)
    {
        Queue<(string Name, Child Node)> living = [];
        for (int i = 0; i < 3; i++)
            living.Enqueue(($"old{i}", await bed.StartNodeAsync(bed.NodeOptions($"old{i}") with { Concurrency = 8 })));
        await bed.Load.StartRunsAsync(2 * Runs, Mix.Of);
        for (; bed.Faults < 3; bed.Faults++)
        {
            await bed.EffectsAsync(bed.Effects + 25);
            (string name, Child node) = living.Dequeue();
            await bed.VictimAsync(name);
            node.Kill();
            await bed.StartNodeAsync();
        }
    }

    private static async Task AllDieAsync(TestBed bed)
    {
        Child[] nodes = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => bed.StartNodeAsync(bed.NodeOptions($"old{i}"))));
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        await bed.EffectsAsync(40);
        bed.Takeovers.Add(new Takeover(Clock.Now, [.. (await bed.Load.LivingAsync()).Where(r => r.Worker is not null).Select(r => r.Run.Value)]));
        Parallel.ForEach(nodes, n => n.Kill());
        bed.Faults += nodes.Length;
        await bed.StartNodeAsync();
        await bed.StartNodeAsync();
    }

    private static async Task SameNameAsync(TestBed bed)
    {
        Child node = await bed.StartNodeAsync(bed.NodeOptions("same"));
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        for (; bed.Faults < 3; bed.Faults++)
        {
            await bed.EffectsAsync(bed.Effects + 25);
            await bed.VictimAsync("same");
            node.Kill();
            node = await bed.StartNodeAsync(bed.NodeOptions("same"));
        }
    }

    private static async Task WakeRaceAsync(TestBed bed)
    {
        for (int i = 0; i < 3; i++)
            await bed.StartNodeAsync();
        IReadOnlyList<RunId> runs = await bed.Load.StartRunsAsync(Runs, i => ("acme", "wait:go pay put wait:on pay look"));
        foreach (string name in (string[])["go", "on"])
        {
            await TestBed.UntilAsync(async () => (await bed.Load.LivingAsync()).All(r => r.Status == RunStatus.Awaiting), "all runs wait");
            await Task.WhenAll(runs.SelectMany(run => (Task[])[bed.Load.SignalAsync(run, name, $"{name}-1"), bed.Load.SignalAsync(run, name, $"{name}-1")]));
            bed.Faults += runs.Count;
        }
    }

    private static async Task RollingUpgradeAsync(TestBed bed)
    {
        Child first = await bed.StartNodeAsync(), second = await bed.StartNodeAsync();
        IReadOnlyList<RunId> old = await bed.Load.StartRunsAsync(Runs, Mix.Of);
        await bed.EffectsAsync(30);
        await bed.StartNodeAsync(bed.NodeOptions() with { Version = "2" });
        await bed.Load.UpgradeAsync("2");
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        await first.StopAsync();
        bed.Faults++;
        await bed.StartNodeAsync(bed.NodeOptions() with { Version = "2" });
        await TestBed.UntilAsync(async () => !(await bed.Load.LivingAsync()).Any(r => old.Contains(r.Run) || r.Ancestors.Any(old.Contains)), "the runs of version 1 have ended");
        await second.StopAsync();
        bed.Faults++;
    }

    private static async Task KillSwitchAsync(TestBed bed)
    {
        Child dying = await bed.StartNodeAsync();
        await bed.StartNodeAsync();
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        await bed.EffectsAsync(30);
        await bed.Load.WhileSwitchedOffAsync("tenant:acme", async () =>
        {
            bed.Faults++;
            dying.Kill();
            await Task.Delay(TimeSpan.FromSeconds(2));
        });
        await bed.StartNodeAsync();
    }
}
