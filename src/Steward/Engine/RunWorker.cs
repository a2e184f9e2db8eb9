using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Claims what can be claimed and works on it; renews leases; interrupts
/// what must stop; gives everything back when it is stopped.</summary>
/// <remarks>
/// Two loops. One claims runs as long as there is room. The other keeps watch: it renews the leases of the runs in hand and looks for
/// cancels and kill switches. It hands those to the run by interrupting it. Neither ever decides anything about a run: that
/// is the loop's, and the gate's.
/// </remarks>
internal sealed class RunWorker : BackgroundService, IRunWorker
{
    private const int MostChildren = 2_000;

    private readonly IStewardStore _store;
    private readonly AgentRegistry _agents;
    private readonly RunEngine _engine;
    private readonly RunHub _hub;
    private readonly WorkerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<RunWorker> _logger;
    private readonly IRunPlacement? _placement;
    private readonly ConcurrentDictionary<Task, RunId> _running = new();
    private readonly OfferGate _offers = new();

    public RunWorker(
        IStewardStore store,
        AgentRegistry agents,
        RunEngine engine,
        RunHub hub,
        WorkerOptions options,
        TimeProvider time,
        ILogger<RunWorker> logger,
        IRunPlacement? placement = null)
    {
        _store = store;
        _agents = agents;
        _engine = engine;
        _hub = hub;
        _options = options;
        _time = time;
        _logger = logger;
        _placement = placement;
        Name = _options.WorkerName ?? string.Create(
            CultureInfo.InvariantCulture,
            $"{Environment.MachineName}/{Environment.ProcessId}/{RunId.New(time).ToString()[24..]}");
    }

    /// <summary>The worker's name in leases.</summary>
    public string Name { get; }

    public async Task<RunOffer> OfferAsync(RunId run, CancellationToken cancellationToken = default)
    {
        if (WorkOn(run) is { } work)
        {
            _hub.Hint(run);
            return new RunOffer(OfferOutcome.AtWork, work);
        }

        if (!_offers.TryEnter(() => _options.MaxConcurrentRuns - _running.Count))
            return new RunOffer(OfferOutcome.Full, Task.CompletedTask);
        try
        {
            return await ClaimAndStartAsync(Request(1) with { Run = run }, cancellationToken) is [Task started]
                ? new RunOffer(OfferOutcome.Started, started)
                : new RunOffer(OfferOutcome.NotClaimable, Task.CompletedTask);
        }
        finally
        {
            _offers.Leave();
        }
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Here and not when agents are added: they come in any order, and a process that only starts runs need not know them all.
        if (_options.RunWorker)
            _agents.CheckCalls();
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!_options.RunWorker)
            return;
        using var watching = new CancellationTokenSource();
        Task watch = WatchAsync(watching.Token);
        _offers.Open();
        await ClaimAsync(stoppingToken);
        await _offers.CloseAsync();
        await DrainAsync();
        await watching.CancelAsync();
        await watch;
    }

    private async Task ClaimAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            Task work = _hub.NextWork();
            try
            {
                while (_options.MaxConcurrentRuns - _running.Count is > 0 and int room && !stoppingToken.IsCancellationRequested
                    && await ClaimSomeAsync(room, stoppingToken))
                {
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is StoreException or JournalException)
            {
                Log.WorkerTrouble(_logger, Name, e);
            }

            await WaitAsync(work, stoppingToken);
        }
    }

    /// <summary>Runs of the agents that are here; or, for one run alone, that
    /// one and its descendants, without which it would wait for ever.</summary>
    /// <returns>False when there was nothing to claim.</returns>
    private async ValueTask<bool> ClaimSomeAsync(int room, CancellationToken cancellationToken)
    {
        if (_options.RootRun is not { } root)
            return _placement is null
                ? await ClaimAndStartAsync(Request(room), cancellationToken) is not []
                : await _placement.PlaceAsync(this, Request(room), cancellationToken);
        foreach (RunId run in await FamilyAsync(root, cancellationToken))
        {
            if (await ClaimAndStartAsync(
                new ClaimRequest { Worker = Name, Duration = _options.LeaseDuration, Run = run }, cancellationToken) is not [])
                return true;
        }

        return false;
    }

    private ClaimRequest Request(int room) => new()
    {
        Worker = Name,
        Duration = _options.LeaseDuration,
        Max = room,
        Agents = _agents.Names,
        Versions = _agents.Versions,
        VersionPatience = _options.VersionPatience,
    };

    private async ValueTask<Task[]> ClaimAndStartAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        LeaseTime asked = LeaseTime.Now(_time);
        IReadOnlyList<Claim> claims = await _store.ClaimAsync(request, cancellationToken);
        return [.. claims.Select(claim => Start(claim, asked))];
    }

    private Task? WorkOn(RunId run) => _running.FirstOrDefault(r => r.Value == run && !r.Key.IsCompleted).Key;

    private async ValueTask<List<RunId>> FamilyAsync(RunId root, CancellationToken cancellationToken)
    {
        List<RunId> family = [root];
        for (int i = 0; i < family.Count; i++)
        {
            RunQuery children = new() { Parent = family[i], Statuses = StatusRules.Living, Limit = MostChildren };
            family.AddRange((await _store.FindAsync(children, cancellationToken)).Select(r => r.Run));
        }

        return family;
    }

    /// <summary>Waits for a hint, or for the next poll. A run that is over gives a hint once there is room in its place.</summary>
    private async Task WaitAsync(Task work, CancellationToken stoppingToken)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        await Task.WhenAny(work, Task.Delay(_options.PollInterval, _time, cancel.Token));
        await cancel.CancelAsync();
    }

    private Task Start(Claim claim, LeaseTime claimedAt)
    {
        Task task = Task.Run(() => WorkAsync(claim, claimedAt));
        _running[task] = claim.Lease.Run;
        _ = task.ContinueWith(Finished, TaskScheduler.Default);
        return task;
    }

    private void Finished(Task task)
    {
        if (_running.TryRemove(task, out RunId run))
            _hub.Hint(run);
    }

    private async Task WorkAsync(Claim claim, LeaseTime claimedAt)
    {
        try
        {
            await _engine.ExecuteAsync(claim, claimedAt);
        }
        catch (Exception e)
        {
            // Nothing is retried here: the lease runs out, and the next claim goes on from what is durable.
            Log.RunBroke(_logger, claim.Lease.Run, e);
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            Task work = _hub.NextWork();
            try
            {
                await _engine.LeaseOf(Name).RenewIfDueAsync();
                if (!_engine.Active.IsEmpty)
                    await LookAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is StoreException or JournalException)
            {
                Log.WorkerTrouble(_logger, Name, e);
            }

            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(work, Task.Delay(_options.WatchInterval, _time, cancel.Token));
            await cancel.CancelAsync();
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        foreach (RunAttention attention in await _store.WatchAsync(Name, cancellationToken))
        {
            if (!_engine.Active.TryGetValue(attention.Run, out RunSession? session))
                continue;
            if (attention.Killed is { } killSwitch)
                session.Kill(killSwitch.Scope);
            if (attention.SignalsPending)
                await SignalAsync(session, cancellationToken);
        }
    }

    /// <summary>A cancel stops what is in flight; anything else waits until the loop looks into the inbox.</summary>
    private async Task SignalAsync(RunSession session, CancellationToken cancellationToken)
    {
        IReadOnlyList<Signal> inbox = await _store.InboxAsync(session.State.Run, cancellationToken);
        session.SignalsPending = true;
        if (inbox.Any(s => s.Body is CancelSignal))
            session.Interrupt(Interruption.Cancel);
    }

    /// <summary>Lets actions in flight end within the grace time, then interrupts them; every run is given back.</summary>
    private async Task DrainAsync()
    {
        foreach (RunSession session in _engine.Active.Values)
            session.IsParkRequested = true;
        Task all = Task.WhenAll(_running.Keys);
        await Task.WhenAny(all, Task.Delay(_options.DrainGrace, _time, CancellationToken.None));
        foreach (RunSession session in _engine.Active.Values)
            session.Interrupt(Interruption.Shutdown);
        await all;
    }
}
