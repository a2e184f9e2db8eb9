using Steward.Journal;
using Steward.Sqlite;

namespace Steward.Bench;

/// <summary>Bytes on the disk for one run, by its length.</summary>
internal static class StorageBench
{
    public static async Task RunAsync(Report report, bool quick)
    {
        using Scratch scratch = new();
        double first = 0;
        foreach (int steps in (int[])[10, 100, 300, 1_000])
        {
            Workload work = new(steps, resultLength: 2_000);
            string path = scratch.NewFile();
            await (await Scratch.OpenAsync(path)).DisposeAsync();
            long empty = new FileInfo(path).Length;
            long payload = 0;
            await using (SqliteStewardStore store = await Scratch.OpenAsync(path))
            {
                await using BenchHost host = await BenchHost.StartAsync(store, work);
                await foreach (JournalEntry entry in store.ReadAsync(await host.RunAsync()))
                    payload += entry.Payload.Length;
            }

            // Closing has copied the log into the database.
            double perStep = (new FileInfo(path).Length - empty) / (double)steps;
            double witness = new FileInfo(path + "-witness").Length / (double)steps;
            first = first == 0 ? perStep : first;
            report.Add(
                $"Bytes stored per step, run of {steps:#,0} steps (2,000 characters a result)",
                $"{perStep:#,0} B",
                $"{payload / (double)steps:#,0} B of payload",
                $"{perStep / first:0.00} × the 10-step run",
                $"witness beside it: {witness:#,0} B",
                "≤ 1.1 ×",
                perStep / first <= 1.1);
        }
    }
}
