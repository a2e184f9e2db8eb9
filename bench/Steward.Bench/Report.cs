using System.Diagnostics;
using System.Runtime;
using System.Runtime.InteropServices;

namespace Steward.Bench;

/// <summary>Measured values of one kind.</summary>
internal sealed class Series
{
    private readonly List<double> _values = [];

    public double Median => Percentile(0.5);

    public double Min => _values.Min();

    public double Max => _values.Max();

    public int Count => _values.Count;

    public void Add(double value) => _values.Add(value);

    public double Percentile(double share)
    {
        double[] sorted = [.. _values.Order()];
        double at = share * (sorted.Length - 1);
        int low = (int)at;
        return low + 1 < sorted.Length ? sorted[low] + ((sorted[low + 1] - sorted[low]) * (at - low)) : sorted[low];
    }

    public string Range(string format = "0.#") => $"{Min.ToString(format)}–{Max.ToString(format)}";
}

/// <summary>One run of something, per unit: how long it took, how much processor time all threads used, and what was allocated.</summary>
internal readonly record struct Cost(double Micros, double CpuMicros, double Bytes)
{
    private static TimeSpan CpuTime => Environment.CpuUsage.TotalTime;

    /// <summary>Measures an action that does a number of units of work. Allocations are those of the whole process.</summary>
    public static async Task<Cost> OfAsync(int units, Func<Task> action)
    {
        GC.Collect();
        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan cpu = CpuTime;
        long start = Stopwatch.GetTimestamp();
        await action();
        double micros = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        return new Cost(micros / units, (CpuTime - cpu).TotalMicroseconds / units, (GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)units);
    }
}

/// <summary>Two ways to do the same, in alternating rounds of one process: noise meets both alike.</summary>
internal sealed class Duel
{
    private static readonly TimeSpan s_longestWarmUp = TimeSpan.FromSeconds(30);

    public Series Steward { get; } = new();

    public Series Bare { get; } = new();

    public Series StewardCpu { get; } = new();

    public Series BareCpu { get; } = new();

    public Series StewardBytes { get; } = new();

    public Series BareBytes { get; } = new();

    /// <summary>Steward's time minus the bare one, round by round.</summary>
    public Series Extra { get; } = new();

    public Series ExtraBytes { get; } = new();

    /// <summary>Steward's time over the bare one, round by round.</summary>
    public Series Ratio { get; } = new();

    /// <param name="warmUps">Rounds that do not count; more, for half a minute at most, while they still make the JIT compiler work.</param>
    /// <param name="rounds">Rounds that count.</param>
    /// <param name="steward">One way.</param>
    /// <param name="bare">The other.</param>
    public static async Task<Duel> FightAsync(int warmUps, int rounds, Func<Task<Cost>> steward, Func<Task<Cost>> bare)
    {
        const int busy = 25;
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0, compiled; i < warmUps || Stopwatch.GetElapsedTime(begin) < s_longestWarmUp; i++)
        {
            compiled = (int)JitInfo.GetCompiledMethodCount();
            await steward();
            await bare();
            if (i >= warmUps && JitInfo.GetCompiledMethodCount() - compiled < busy)
                break;
        }

        Duel duel = new();
        for (int i = 0; i < rounds; i++)
        {
            // Who begins changes from round to round.
            Cost a = i % 2 == 0 ? await steward() : default;
            Cost b = await bare();
            if (i % 2 != 0)
                a = await steward();
            duel.Add(a, b);
        }

        return duel;
    }

    public void Add(Cost steward, Cost bare)
    {
        Steward.Add(steward.Micros);
        Bare.Add(bare.Micros);
        StewardCpu.Add(steward.CpuMicros);
        BareCpu.Add(bare.CpuMicros);
        StewardBytes.Add(steward.Bytes);
        BareBytes.Add(bare.Bytes);
        Extra.Add(steward.Micros - bare.Micros);
        ExtraBytes.Add(steward.Bytes - bare.Bytes);
        Ratio.Add(steward.Micros / bare.Micros);
    }
}

/// <summary>The table.</summary>
internal sealed class Report
{
    private readonly List<string> _rows = [];

    /// <param name="measure">What was measured.</param>
    /// <param name="steward">Steward's value.</param>
    /// <param name="bare">The bare counterpart's.</param>
    /// <param name="result">What is compared with the aim.</param>
    /// <param name="range">Of the result over all rounds.</param>
    /// <param name="aim">The aim in words; empty where there is none.</param>
    /// <param name="met">Whether it is met.</param>
    public void Add(string measure, string steward, string bare, string result, string range = "", string aim = "", bool? met = null)
    {
        string row = $"| {measure} | {steward} | {bare} | {result} | {range} | {aim} | {(met is { } yes ? yes ? "yes" : "**no**" : "")} |";
        _rows.Add(row);
        Console.Error.WriteLine(row);
    }

    public void Print(TextWriter to)
    {
        to.WriteLine($"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores.");
        to.WriteLine();
        to.WriteLine("| Measure | Steward | Bare | Result | Range | Aim | Met |");
        to.WriteLine("|---|---|---|---|---|---|---|");
        foreach (string row in _rows)
            to.WriteLine(row);
    }

    public static string Micros(double value) => value >= 10_000 ? $"{value / 1_000:0.0} ms" : value >= 100 ? $"{value:0} µs" : $"{value:0.0} µs";

    /// <summary>Times of both, with the processor time of all threads, which says more than the clock on a busy machine.</summary>
    public static (string Steward, string Bare) Times(Duel duel) =>
        ($"{Micros(duel.Steward.Median)} (CPU {Micros(duel.StewardCpu.Median)})", $"{Micros(duel.Bare.Median)} (CPU {Micros(duel.BareCpu.Median)})");

    public static string Bytes(double value) => Math.Abs(value) switch
    {
        >= 10 * 1024 * 1024 => $"{value / 1024 / 1024:0.0} MB",
        >= 1024 => $"{value / 1024:0.0} KB",
        _ => $"{value:0} B",
    };
}
