using Microsoft.Extensions.AI;
using Steward.Providers;
using Steward.Storage;

namespace Steward.Bench;

/// <summary>What the runtime adds to a step when nothing is stored on a disk: in process, and over HTTP to a loopback provider.</summary>
internal static class OverheadBench
{
    public static async Task RunAsync(Report report, bool quick)
    {
        foreach (bool stream in (bool[])[false, true])
        {
            Workload work = new(200, resultLength: 100, stream);
            Duel duel = await FightAsync(work, new CannedModel(work), runs: 5, warmUps: quick ? 5 : 15, rounds: quick ? 7 : 25);
            report.Add(
                $"Overhead per step, no store, 200 steps, {Kind(stream)}",
                Report.Times(duel).Steward,
                Report.Times(duel).Bare,
                $"+{Report.Micros(duel.Extra.Median)}",
                duel.Extra.Range(),
                "≤ 50 µs",
                duel.Extra.Median <= 50);
            report.Add(
                $"Allocated per step, no store, 200 steps, {Kind(stream)}",
                Report.Bytes(duel.StewardBytes.Median),
                Report.Bytes(duel.BareBytes.Median),
                $"+{Report.Bytes(duel.ExtraBytes.Median)}",
                $"{Report.Bytes(duel.ExtraBytes.Min)}–{Report.Bytes(duel.ExtraBytes.Max)}",
                "≤ 20 KB",
                duel.ExtraBytes.Median <= 20 * 1024);
        }

        foreach (bool stream in (bool[])[false, true])
        {
            Workload work = new(50, resultLength: 100, stream);
            using LoopbackProvider provider = new(work);
            using IChatClient model = ModelProviders.CreateOpenAI("m", new ProviderOptions { BaseUrl = provider.Url, ApiKey = "none" });
            Duel duel = await FightAsync(work, model, runs: 1, warmUps: quick ? 2 : 6, rounds: quick ? 5 : 15);
            report.Add(
                $"The same over HTTP on loopback, 50 steps, {Kind(stream)}",
                Report.Times(duel).Steward,
                Report.Times(duel).Bare,
                $"+{Report.Micros(duel.Extra.Median)}, {duel.Ratio.Median:0.00}×",
                $"{duel.Ratio.Range("0.00")}×");
        }
    }

    private static Task<Duel> FightAsync(Workload work, IChatClient model, int runs, int warmUps, int rounds)
    {
        return Duel.FightAsync(
            warmUps,
            rounds,
            async () =>
            {
                // A new store each time: journals of earlier rounds would only give the garbage collector more to do.
                await using InMemoryStewardStore store = new(TimeProvider.System);
                await using BenchHost host = await BenchHost.StartAsync(store, work, model);
                return await Cost.OfAsync(runs * work.Steps, async () =>
                {
                    for (int i = 0; i < runs; i++)
                        await host.RunAsync();
                });
            },
            () => Cost.OfAsync(runs * work.Steps, async () =>
            {
                for (int i = 0; i < runs; i++)
                    await BareLoop.RunAsync(model, work);
            }));
    }

    private static string Kind(bool stream) => stream ? "streaming" : "not streaming";
}
