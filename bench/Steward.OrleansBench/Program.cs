// What Orleans brings: from a signal in one process to its effect in another, by polling, by NOTIFY and by Orleans' routing; and, under load, takeover after kill -9 and after a freeze.
//   dotnet run -c Release --project bench/Steward.OrleansBench -- "Host=…;Username=…;Database=…" [signals] [rounds]
using System.Globalization;
using Steward.OrleansBench;

if (args is not [string connectionString, .. string[] rest])
{
    Console.Error.WriteLine("Give the connection string of a PostgreSQL database in which schemas may be made and dropped.");
    return 2;
}

int signals = rest is [string count, ..] ? int.Parse(count, CultureInfo.InvariantCulture) : 100;
int rounds = rest is [_, string times] ? int.Parse(times, CultureInfo.InvariantCulture) : 5;
Console.WriteLine("| Measure | p50 | p99 | n |");
Console.WriteLine("|---|---|---|---|");
await SignalBench.RunAsync(connectionString, signals);
await TakeoverBench.RunAsync(connectionString, rounds);
return 0;
