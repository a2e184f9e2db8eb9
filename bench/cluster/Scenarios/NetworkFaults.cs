using System.Net;
using Npgsql;
using Steward.ClusterBench.Bed;
using Steward.ClusterBench.Faults;
using Steward.ClusterBench.Load;
using Steward.Tests.Shared;

namespace Steward.ClusterBench.Scenarios;

/// <summary>A node and the database that do not hear each other, or not each time.</summary>
internal static class NetworkFaults
{
    private const int Runs = 24;

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("lost-answer", "D1", "the answer to a commit is lost, 20 times", bed => LossyAsync(bed, (p, commit) => p.LoseAnswer(commit))) { IsQuick = true },
        new("lost-commit", "D2", "a commit is lost on its way, 20 times", bed => LossyAsync(bed, (p, commit) => p.LoseCommit(commit))) { IsQuick = true },
        new("partition", "N2", "a node and the database are parted for longer than a lease (a proxy holds everything back)", bed => PartAsync(bed, requests: true, answers: true)) { IsQuick = true },
        new("deaf-node", "N4", "… one way: the answer to an intent's commit and all later ones arrive after the lease, three times", DeafAsync),
        new("mute-node", "N4", "… one way: the node's requests do not arrive", bed => PartAsync(bed, requests: true, answers: false)),
        new("unplugged", "N2", "a node in a network namespace of its own is cut off from the database and the tool server (its link goes down)", UnplugAsync) { Missing = Needs.Netns },
    ];

    /// <summary>In turn the trip of a tool's intent, that of a model's, and the COMMIT of what takes several trips.</summary>
    private static async Task LossyAsync(TestBed bed, Action<LossyProxy, string> lose)
    {
        string[] commits = ["tool.started", "model.started", "COMMIT\0"];
        const int Losses = 20;
        using LossyProxy proxy = new(Socket(bed));
        await bed.StartNodeAsync(bed.NodeOptions("lossy") with { Store = Through("127.0.0.1", proxy) });
        await bed.StartNodeAsync(bed.NodeOptions() with { Concurrency = 4 });
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        for (int i = 0; i < Losses; i++)
        {
            await bed.Load.StartRunsAsync(6, Mix.Of); // So that there are commits to lose.
            lose(proxy, commits[i % commits.Length]);
            int before = proxy.Lost;
            await TestBed.UntilAsync(() => Task.FromResult(proxy.Lost > before), "a commit comes by");
            await Task.Delay(bed.Random.Next(20, 150));
        }

        bed.Faults = proxy.Lost;
        await bed.Load.AllEndAsync();
    }

    private static async Task PartAsync(TestBed bed, bool requests, bool answers)
    {
        using LossyProxy proxy = new(Socket(bed));
        await bed.StartNodeAsync(bed.NodeOptions("parted") with { Store = Through("127.0.0.1", proxy) });
        await PartAsync(bed, () => proxy.Part(requests, answers), proxy.Heal);
    }

    /// <summary>Intents are durable, but the node hears of them only when others have looked after them. Among the runs are enough for both nodes, each time.</summary>
    private static async Task DeafAsync(TestBed bed)
    {
        using LossyProxy proxy = new(Socket(bed));
        await bed.StartNodeAsync(bed.NodeOptions("deaf") with { Store = Through("127.0.0.1", proxy) });
        await bed.StartNodeAsync(bed.NodeOptions() with { Concurrency = 8 });
        for (; bed.Faults < 3; bed.Faults++)
        {
            await bed.Load.StartRunsAsync(Runs, i => i % 2 == 0 ? Mix.Of(i) : Mix.Unprobed);
            await bed.EffectsAsync(bed.Effects + 20);
            int before = proxy.Lost;
            proxy.PartAtCommit("tool.started");
            await TestBed.UntilAsync(() => Task.FromResult(proxy.Lost > before), "a commit comes by");
            await bed.VictimAsync("deaf");
            await TestBed.UntilAsync(async () => (await bed.Load.HeldByAsync("deaf")).Count == 0, "the deaf node's runs are taken over");
            await Task.Delay(TimeSpan.FromSeconds(2)); // The person who is asked has answered, and what they allow is done.
            proxy.Heal();
        }

        await bed.Load.AllEndAsync();
    }

    private static async Task UnplugAsync(TestBed bed)
    {
        using NetworkNamespace net = new();
        using LossyProxy proxy = new(Socket(bed), IPAddress.Parse(NetworkNamespace.Host));
        using TcpRelay world = new(IPAddress.Parse(NetworkNamespace.Host), new Uri(bed.NodeOptions("parted").Ledger));
        await bed.StartNodeAsync(bed.NodeOptions("parted") with { Store = Through(NetworkNamespace.Host, proxy), Ledger = $"http://{NetworkNamespace.Host}:{world.Port}" }, net.Wrap);
        await PartAsync(bed, net.Unplug, net.Plug);
    }

    private static async Task PartAsync(TestBed bed, Action part, Action heal)
    {
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        await bed.EffectsAsync(30);
        Task<Child> other = bed.StartNodeAsync();
        await bed.VictimAsync("parted");
        part();
        bed.Faults++;
        await other;
        await TestBed.UntilAsync(async () => (await bed.Load.HeldByAsync("parted")).Count == 0, "the parted node's runs are taken over");
        await bed.EffectsAsync(bed.Effects + 10);
        heal();
        await bed.Load.AllEndAsync();
    }

    private static string Socket(TestBed bed) => $"{bed.Postgres.Server.Folder}/.s.PGSQL.5432";

    private static string Through(string host, LossyProxy proxy) => new NpgsqlConnectionStringBuilder
    {
        Host = host,
        Port = proxy.Port,
        Username = "postgres",
        Database = "postgres",
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
        MaxPoolSize = 20,
        Timeout = 5,
    }.ConnectionString;
}
