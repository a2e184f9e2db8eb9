using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;
using Steward.Testing;

namespace Steward.Tests.Support;

/// <summary>The engine without a worker and without real time: a test says when a run is claimed, by whom, and how time goes on.</summary>
internal sealed class Lab
{
    public static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(30);

    private readonly AgentDefinition[] _others;
    private readonly RunHub _hub = new();
    private readonly RunPoll _poll;
    private readonly LocalRunStreams _streams;
    private readonly StewardOptions _options = new() { LeaseDuration = LeaseDuration, MaxClaimAttempts = 50, CancelGrace = TimeSpan.Zero };

    public Lab(IChatClient model, AgentDefinition agent, IStewardStore? store = null, ManualTimeProvider? time = null, params AgentDefinition[] others)
    {
        Time = time ?? new ManualTimeProvider();
        Store = store ?? new InMemoryStewardStore(Time);
        Agent = agent;
        _others = others;
        Model = model;
        _poll = PollOf(Store);
        _streams = new LocalRunStreams(Store, _poll, _options.FollowQueue);
    }

    public ManualTimeProvider Time { get; }

    public IStewardStore Store { get; }

    public AgentDefinition Agent { get; }

    public IChatClient Model { get; }

    /// <summary>Who else hears of what is committed.</summary>
    public IReadOnlyList<IRunObserver> Observers { get; init; } = [];

    /// <summary>Models beside the harness's own.</summary>
    public IReadOnlyList<ModelInfo> Prices { get; init; } = [];

    public int MaxClaimAttempts
    {
        init => _options.MaxClaimAttempts = value;
    }

    public TimeSpan SlotWait
    {
        init => _options.SlotWait = value;
    }

    public async Task<RunId> StartAsync(RunRequest? request = null, IStewardStore? store = null)
    {
        return (await Client(store).StartAsync(Agent.Name, request ?? new RunRequest("go"), TestContext.Current.CancellationToken)).Id;
    }

    /// <summary>A client that has the lab's agents loaded, and more.</summary>
    public IStewardClient Client(IStewardStore? store = null, params AgentDefinition[] agents) =>
        new StewardClient(store ?? Store, new AgentRegistry([Agent, .. _others, .. agents]), _hub, store is null ? _poll : PollOf(store), [.. _options.Prices, .. Prices], Router, _streams, Time);

    /// <summary>Works on whatever can be worked on, until nothing can.</summary>
    public async Task WorkAllAsync()
    {
        while (await WorkAsync() is not null)
            Time.Advance(TimeSpan.FromMilliseconds(1));
    }

    /// <summary>Claims what can be claimed and works on it; null when nothing can be claimed.</summary>
    public async Task<RunExit?> WorkAsync(string worker = "w1", IStewardStore? store = null)
    {
        IStewardStore used = store ?? Store;
        Claim? claim = await used.ClaimOneAsync(new ClaimRequest { Worker = worker, Duration = LeaseDuration }, TestContext.Current.CancellationToken);
        return claim is null ? null : await Engine(used).ExecuteAsync(claim);
    }

    /// <summary>The models as this process knows them: a new one for each use, unless a test holds on to one.</summary>
    public ModelRouter Router { get => field ?? NewRouter(); init; }

    private ModelRouter NewRouter() => new(
        _ => Model,
        ModelCatalog.Default.With([Harness.Price, .. Prices]),
        new ModelRetryOptions { Delay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero },
        Time,
        () => 0.5);

    public RunEngine Engine(IStewardStore store) => new(
        store,
        new AgentRegistry([Agent, .. _others]),
        Router,
        _options,
        Time,
        new IsolatedObservers([_streams, .. Observers], NullLogger.Instance),
        null,
        NullLogger.Instance);

    public async Task<List<JournalEntry>> JournalAsync(RunId run)
    {
        List<JournalEntry> entries = [];
        await foreach (JournalEntry entry in Store.ReadAsync(run, 0, TestContext.Current.CancellationToken))
            entries.Add(entry);
        return entries;
    }

    /// <summary>What an application holds of a run.</summary>
    public RunHandle Handle(RunId run, IStewardStore? store = null) => new(run, store ?? Store, _hub, store is null ? _poll : PollOf(store), _streams, Time);

    public async Task<RunState> StateAsync(RunId run) => await RunJournal.LoadAsync(Store, run, TestContext.Current.CancellationToken);

    private RunPoll PollOf(IStewardStore store) => new(store, _hub, _options.PollInterval, Time);
}
