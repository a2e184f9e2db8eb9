using System.Diagnostics;
using Steward.ClusterBench.Load;
using Steward.ClusterBench.Node;
using Steward.ClusterBench.Scenarios;
using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Reading;
using Steward.Storage;

namespace Steward.ClusterBench.Bed;

/// <summary>What a scenario plays on: a database, the tool server, node processes, the load, and a folder in which each of them writes down what it did.</summary>
internal sealed class TestBed : IAsyncDisposable
{
    private static readonly TimeSpan s_callTime = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);
    private readonly List<Child> _children = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("steward-cluster-").FullName;
    private string _ledger = "";
    private int _nodes;

    private TestBed(Func<string, IDatabase> database, int seed) => (Database, Random) = (database(_folder), new Random(seed));

    public IDatabase Database { get; }

    public PostgresDatabase Postgres => (PostgresDatabase)Database;

    public SqliteDatabase Sqlite => (SqliteDatabase)Database;

    /// <summary>Drawn from the seed of the whole bench.</summary>
    public Random Random { get; }

    public LoadGenerator Load { get; private set; } = null!;

    public string Folder => _folder;

    private string? Defect { get; init; }

    /// <summary>For each time a node was lost: when, and what it had in hand.</summary>
    public List<Takeover> Takeovers { get; } = [];

    /// <summary>How many times the fault really happened.</summary>
    public int Faults { get; set; }

    /// <summary>When the database failed over, in microseconds since 1970.</summary>
    public long? FailedOverAt { get; set; }

    /// <summary>What a fault destroyed, if it destroys.</summary>
    public Harm? Harm { get; private set; }

    /// <param name="database">Makes the database, given a folder for it.</param>
    /// <param name="seed">The bench's seed.</param>
    /// <param name="defect">A defect that all nodes are given.</param>
    public static async Task<TestBed> OpenAsync(Func<string, IDatabase> database, int seed, string? defect)
    {
        TestBed bed = new(database, seed) { Defect = defect };
        Child ledger = await Child.StartAsync("ledger", Path.Combine(bed._folder, "ledger.err"), ["ledger", Path.Combine(bed._folder, CaseFolder.Ledger), "0", $"{s_callTime.TotalMilliseconds}"]);
        bed._children.Add(ledger);
        bed._ledger = ledger.FirstLine;
        bed.Load = await LoadGenerator.StartAsync(bed.Named("load"), bed._folder);
        return bed;
    }

    /// <summary>How a node of this bed is told to work; a scenario changes what it needs otherwise.</summary>
    public NodeOptions NodeOptions(string? name = null) => Named(name ?? $"n{++_nodes}");

    public async Task<Child> StartNodeAsync(NodeOptions? options = null, Func<ProcessStartInfo, ProcessStartInfo>? wrap = null)
    {
        options ??= NodeOptions();
        Child node = await Child.StartAsync(options.Name, Path.Combine(_folder, $"node-{options.Name}.err"), ["node", options.ToString()], wrap);
        _children.Add(node);
        return node;
    }

    /// <summary>Effects of the world so far.</summary>
    public int Effects => Lines.Read<LedgerLine>(Path.Combine(_folder, CaseFolder.Ledger)).Count(l => l is { IsCall: true, Executed: true });

    public Task EffectsAsync(int count) => UntilAsync(() => Task.FromResult(Effects >= count), $"{count} effects");

    /// <summary>Waits for a condition of the world or the database. Asked again and again; a database that is away is waited out.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await TryAsync(condition))
        {
            if (Stopwatch.GetElapsedTime(start) > s_patience)
                throw new TimeoutException($"It never happened: {what}.");
            await Task.Delay(50);
        }
    }

    /// <summary>Notes what a node has in hand, from when on others are expected to take it over.</summary>
    public async Task VictimAsync(string node) => Takeovers.Add(new Takeover(Clock.Now, await Load.HeldByAsync(node)));

    /// <summary>Notes what a fault has destroyed; the store itself has to name each of those runs, and no other.</summary>
    public async Task HarmedAsync()
    {
        Harm = Harm.Of(CaseFolder.Read(_folder, await Database.ReadAsync()), WitnessReader.Read(Database.Store), Clock.Now);
        Faults = Harm.Runs.Count;
        HashSet<Guid> named = await Load.DamagedAsync();
        ExpectationException.ThrowIfNot(Harm.Runs.IsSubsetOf(named), $"{Harm.Runs.Except(named).Count()} of {Harm.Runs.Count} damaged runs were not named by the store.");
        ExpectationException.ThrowIfNot(named.IsSubsetOf(Harm.Runs), $"The store named {named.Except(Harm.Runs).Count()} runs that lack nothing of what was committed.");
    }

    /// <summary>What a node wrote to its standard error.</summary>
    public string ErrorsOf(string node) => File.ReadAllText(Path.Combine(_folder, $"node-{node}.err"));

    /// <summary>Waits until every run has ended that can; runs that the fault has hit get the time to do what they must not.</summary>
    public async Task AllEndAsync()
    {
        await Load.AllEndAsync(Harm?.Runs);
        if (Harm is not null)
            await Task.Delay(TimeSpan.FromSeconds(3));
    }

    /// <summary>Ends the nodes and reads what everybody wrote down.</summary>
    public async Task<Case> CloseAsync()
    {
        await Load.StopAsync();
        foreach (Child child in _children)
            await child.StopAsync();
        return CaseFolder.Read(_folder, await Database.ReadAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (Load is not null)
            await Load.DisposeAsync();
        _children.ForEach(c => c.Dispose());
        Database.Dispose();
        if (Environment.GetEnvironmentVariable("STEWARD_CLUSTER_KEEP") is null)
            Directory.Delete(_folder, recursive: true);
        else
            await Console.Error.WriteLineAsync($"kept: {_folder}");
    }

    private static async Task<bool> TryAsync(Func<Task<bool>> condition)
    {
        try
        {
            return await condition();
        }
        catch (Exception e) when (e is Storage.StoreException or System.Data.Common.DbException)
        {
            return false;
        }
    }

    private NodeOptions Named(string name) => new()
    {
        Name = name,
        Store = Database.Store,
        IsSqlite = Database.IsSqlite,
        IsLossless = Database.IsLossless,
        Ledger = _ledger,
        Log = Path.Combine(_folder, CaseFolder.NodeLog(name)),
        Defect = Defect,
    };
}
