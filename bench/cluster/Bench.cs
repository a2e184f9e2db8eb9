using System.Diagnostics;
using Steward.ClusterBench.Bed;
using Steward.ClusterBench.Load;
using Steward.ClusterBench.Scenarios;
using Steward.ClusterChecker;
using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterBench;

/// <summary>Plays scenarios one after the other, has each checked, and prints the table.</summary>
internal static class Bench
{
    /// <summary>What the tight tenant may spend: less than its runs want.</summary>
    private const decimal TightUsd = 0.0025m;

    /// <returns>0 when every promise was kept in every scenario that was played, 1 otherwise.</returns>
    public static async Task<int> RunAsync(Arguments asked)
    {
        using SemaphoreSlim places = new(asked.Parallel);
        Row[] rows = await Task.WhenAll(asked.Scenarios.Select(async scenario =>
        {
            await places.WaitAsync();
            try
            {
                await Console.Error.WriteLineAsync($"{scenario.Name} …");
                Row row = scenario.Missing() is { } reason ? Row.Skipped(scenario, reason) : await PlayAsync(scenario, asked);
                await Console.Error.WriteLineAsync(row.ToString());
                return row;
            }
            finally
            {
                places.Release();
            }
        }));
        Report.Print(rows, asked.Seed, Console.Out);
        return rows.Any(r => r.IsBroken) ? 1 : 0;
    }

    private static async Task<Row> PlayAsync(Scenario scenario, Arguments asked)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            await using TestBed bed = await TestBed.OpenAsync(scenario.Database, asked.Seed, Sabotage.OfNodes(asked.Sabotage));
            (Case found, string? failure) = await FindAsync(scenario, bed);
            if (asked.Sabotage is { } name && Tampering.All.TryGetValue(name, out Func<Case, Case>? tamper))
                found = tamper(found);
            IReadOnlyList<Finding> findings = [.. Checker.Check(found), .. bed.Harm?.Check(found) ?? [], .. scenario.Demands(bed, found)];
            return Row.Of(scenario, bed, found, findings, failure, Stopwatch.GetElapsedTime(start));
        }
        catch (Exception e)
        {
            // A scenario that breaks down shows nothing, and is no reason to leave the others out.
            return Row.BrokenDown(scenario, e, Stopwatch.GetElapsedTime(start));
        }
    }

    /// <summary>Plays a scenario to its end, and reads what there is to be checked, also when it did not show what it is for.</summary>
    public static async Task<(Case Found, string? Failure)> FindAsync(Scenario scenario, TestBed bed)
    {
        string? failure = null;
        try
        {
            await bed.Load.CeilingAsync(Mix.Tight, TightUsd);
            await scenario.PlayAsync(bed);
            await bed.AllEndAsync();
        }
        catch (Exception e) when (e is TimeoutException or ExpectationException)
        {
            failure = e.Message;
        }

        return (await bed.CloseAsync(), failure);
    }
}
