using System.Globalization;
using Steward.Bench;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

// A measurement that needs a fresh process starts this program again.
if (args is ["child", var kind, .. var rest])
    return await (kind switch
    {
        "resume" => ResumeBench.ChildAsync(rest),
        "node" => NodesBench.ChildAsync(rest),
        _ => ParkedBench.ChildAsync(rest),
    });

bool quick = args.Contains("--quick");
string what = args.FirstOrDefault(a => !a.StartsWith('-')) ?? "all";
(string Name, Func<Report, bool, Task> Run)[] benches =
[
    ("overhead", OverheadBench.RunAsync),
    ("estimate", EstimateBench.RunAsync),
    ("durable", DurableBench.RunAsync),
    ("throughput", ThroughputBench.RunAsync),
    ("storage", StorageBench.RunAsync),
    ("resume", ResumeBench.RunAsync),
    ("parked", ParkedBench.RunAsync),
];

// It needs PostgreSQL's programs, so it is not part of "all".
if (what == "postgres")
    return await PostgresBench.RunAsync(args.Where(a => !a.StartsWith('-')).ElementAtOrDefault(1), quick);

// A table of its own, about outcomes; it needs STEWARD_DATA, so it is not part of "all".
if (what == "fallible")
    return await FallibleBench.RunAsync(quick);

if (what != "all" && !benches.Any(b => b.Name == what))
{
    Console.Error.WriteLine($"There is no benchmark '{what}'; expected all, {string.Join(", ", benches.Select(b => b.Name))}, fallible, postgres [throughput|nodes|takeover|parked|timers|toast], and --quick if wanted.");
    return 2;
}

Report report = new();
foreach ((string name, Func<Report, bool, Task> run) in benches.Where(b => what == "all" || b.Name == what))
{
    Console.Error.WriteLine($"{name} …");
    await run(report, quick);
}

report.Print(Console.Out);
return 0;
