using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Works on claimed runs: reads and checks the journal, folds it, and runs the loop on it.</summary>
internal sealed class RunEngine
{
    private const int MostOutlived = 10_000;

    private readonly IStewardStore _store;
    private readonly AgentRegistry _agents;
    private readonly ModelStep _models;
    private readonly WorkerOptions _options;
    private readonly TimeProvider _time;
    private readonly IRunObserver _observer;
    private readonly ContextStep _context;
    private readonly ILogger _logger;
    private readonly ChildRuns _children;
    private readonly ToolStep _tools;
    private readonly ValidationStep _validation;
    private readonly DamagedRuns _damaged;
    private readonly ConcurrentDictionary<string, WorkerLease> _workers = new(StringComparer.Ordinal);

    /// <summary>Claims that this process lost to time while it lived: they say nothing against the run.</summary>
    private readonly ConcurrentDictionary<RunId, int> _outlived = new();

    public RunEngine(
        IStewardStore store,
        AgentRegistry agents,
        ModelRouter router,
        WorkerOptions options,
        TimeProvider time,
        IRunObserver observer,
        IServiceProvider? services,
        ILogger logger,
        IEffectScope? scope = null,
        Handlers? handlers = null)
    {
        handlers ??= new Handlers(options.MaxAbandonedCalls);
        StoreLimits limits = store.GetService<StoreLimits>() ?? new StoreLimits();
        _store = store;
        _agents = agents;
        _models = new ModelStep(router, limits, time, scope, new AttachmentLoader(store));
        _context = new ContextStep(new ContextReader(store, services, time, logger));
        _options = options;
        _time = time;
        _observer = observer;
        _logger = logger;
        _children = new ChildRuns(agents, time);
        var executor = new ToolExecutor(handlers, limits, time, options.CancelGrace, logger);
        _tools = new ToolStep(store, executor, _children, time, services, scope, new ToolAttachments(router))
        {
            SlotWait = options.SlotWait,
            SlotRest = options.SlotWait > options.PollInterval ? options.SlotWait : options.PollInterval,
        };
        _validation = new ValidationStep(store, handlers, services, logger);
        _damaged = new DamagedRuns(store, options.MaxClaimAttempts, time, logger);
    }

    /// <summary>The runs that are being worked on, for those who interrupt them.</summary>
    public ConcurrentDictionary<RunId, RunSession> Active { get; } = new();

    /// <summary>Works on a claimed run until it ends, waits, or is lost to this worker.</summary>
    /// <param name="claim">The claim.</param>
    /// <param name="claimedAt">When the store was asked for it: from then on its lease counts.</param>
    public async Task<RunExit> ExecuteAsync(Claim claim, LeaseTime? claimedAt = null)
    {
        LeaseTime leasedAt = claimedAt ?? LeaseTime.Now(_time);
        Log.Claimed(_logger, claim.Lease.Run, claim.Lease.Worker, claim.Lease.Epoch, claim.Attempt);
        try
        {
            if (claim.Attempt == 1)
                _outlived.TryRemove(claim.Lease.Run, out _);
            (RunExit exit, Claim? left) = await WorkAsync(claim, leasedAt);
            if (left is not null)
                exit = (await WorkAsync(left, leasedAt)).Exit;
            if (_outlived.Count > MostOutlived)
                _outlived.Clear(); // Runs that others have ended since are among them, and nobody says so here.
            if (exit == RunExit.Lost)
                _outlived.AddOrUpdate(claim.Lease.Run, 1, static (_, count) => count + 1);
            else
                _outlived.TryRemove(claim.Lease.Run, out _);
            return exit;
        }
        catch (JournalException e)
        {
            return await _damaged.PutAwayAsync(claim, e);
        }
    }

    /// <returns>How it ended; and what is left of the claim when the database lost what it had acknowledged meanwhile.</returns>
    private async Task<(RunExit Exit, Claim? Left)> WorkAsync(Claim claim, LeaseTime leasedAt)
    {
        await LeaveAsync(claim.Lease.Run);
        RunState state = await RunJournal.LoadAsync(_store, claim);
        if (state.Sequence > claim.Info.Sequence)
            return (RunExit.Lost, null); // A later epoch has appended since the claim.
        AgentDefinition? agent = _agents.Find(state.Started.Agent, state.Started.AgentVersion);
        if (agent is null || agent.Hash != state.Started.DefinitionHash)
        {
            if (await MigratedAsync(state) is not { } target)
                return (await ParkWithoutAgentAsync(claim, state, agent), null);
            agent = target;
        }

        using var session = new RunSession(
            _store,
            agent,
            claim.Lease,
            LeaseOf(claim.Lease.Worker),
            state,
            _time,
            _observer,
            claim.Snapshot is { Version: RunState.FoldVersion } kept
                ? kept.Sequence : 0) { LeasedAt = leasedAt, SignalsPending = claim.SignalsPending };
        session.Note(Claimed(claim));
        if (state.Sequence == 1)
            await _context.OpenAsync(session);
        await _context.RestoreAsync(session);
        if (state.Sequence == 1 && await ImplicitFeedback.RepeatedAsync(_store, state, _time.GetUtcNow()) is { } repeated)
            session.Add(repeated);
        int deaths = claim.Attempt - _outlived.GetValueOrDefault(claim.Lease.Run);
        if (deaths > _options.MaxClaimAttempts)
            Quarantine(session, deaths);
        if (claim.Acknowledged is { } acknowledged)
            AskAfterLoss(session, acknowledged, claim.Info.Sequence);
        else if (claim.IsDoubted && agent.Tools.Any(tool => tool.Effect == ToolEffect.Unsafe))
            AskAfterFailover(session, claim.Info.Sequence);
        Active[claim.Lease.Run] = session;
        try
        {
            RunExit exit = await Loop().RunAsync(session);
            return (exit, exit == RunExit.Lost && session.Backwards is { } backwards ? LeftOf(claim, session, backwards) : null);
        }
        finally
        {
            Active.TryRemove(new KeyValuePair<RunId, RunSession>(claim.Lease.Run, session));
        }
    }

    private static RunClaimed Claimed(Claim claim) =>
        new(claim.Lease.Epoch, claim.Lease.Worker, claim.Attempt) { Rules = ToolOrder.Rules };

    private RunLoop Loop() => new(_context, _models, _tools, _validation, _children, _logger);

    /// <summary>The leases of a worker that works with this engine.</summary>
    public WorkerLease LeaseOf(string worker) =>
        _workers.GetOrAdd(worker, name => new WorkerLease(_store, name, _options.LeaseDuration, _time));

    /// <summary>A process that stood still for longer than a lease may claim its own run again. The first claim's work has to end before
    /// the second one's begins.</summary>
    private async ValueTask LeaveAsync(RunId run)
    {
        if (!Active.TryGetValue(run, out RunSession? before))
            return;
        before.Interrupt(Interruption.LeaseLost);
        await before.Over;
    }

    /// <summary>The definition that somebody wants the run moved to, when it is loaded
    /// here. The move itself is an event, noted when the inbox is drained.</summary>
    private async ValueTask<AgentDefinition?> MigratedAsync(RunState state)
    {
        MigrateSignal? wanted = (await _store.InboxAsync(state.Run)).Select(s => s.Body).OfType<MigrateSignal>().LastOrDefault();
        return wanted is not null
            && _agents.Find(state.Started.Agent, wanted.AgentVersion) is { } target
            && target.Hash == wanted.DefinitionHash
            ? target
            : null;
    }

    private void Quarantine(RunSession session, int attempts)
    {
        Log.Quarantined(_logger, session.State.Run, attempts);
        session.Note(new QuestionAsked
        {
            Id = $"quarantine-{session.Lease.Epoch}",
            Kind = QuestionKind.Quarantine,
            Text = $"The run was claimed {attempts} times without getting on: it may bring its worker down. Try it once more, or stop it?",
        });
    }

    /// <summary>What is left of a claim that the database still knows. Null when it has lost the claim too; then the first worker that
    /// comes claims the run.</summary>
    private Claim? LeftOf(Claim claim, RunSession session, AppendResult.Fenced backwards)
    {
        if (backwards.Epoch == claim.Lease.Epoch)
            return claim with
            {
                Info = claim.Info with { Sequence = backwards.Sequence },
                Acknowledged = session.Committed,
                Snapshot = null,
                Journal = null,
            };
        Log.WentBackwards(_logger, session.State.Run, session.Committed, backwards.Sequence);
        return null;
    }

    /// <summary>What the run did since then cannot be known from its journal, so
    /// no worker goes on by itself: a person looks at the world first.</summary>
    private void AskAfterLoss(RunSession session, long acknowledged, long head)
    {
        Log.WentBackwards(_logger, session.State.Run, acknowledged, head);
        session.Note(new QuestionAsked
        {
            Id = $"backwards-{session.Lease.Epoch}-{head}",
            Kind = QuestionKind.Quarantine,
            Text = $"The database went backwards: sequence {acknowledged} of this run was acknowledged, and its journal ends at {head} (a failover that lost commits, or an older backup). What the run did since then may have happened, and would be done again. Look at it, then: go on from sequence {head}, or stop?",
        });
    }

    /// <summary>Nobody knows whether anything was lost. What is safe to repeat would
    /// be made again; for anything else a person looks at the world first.</summary>
    private static void AskAfterFailover(RunSession session, long head) => session.Note(new QuestionAsked
    {
        Id = $"failover-{session.Lease.Epoch}-{head}",
        Kind = QuestionKind.Quarantine,
        Text = $"The database failed over, or was restored, while this run was at work or due: what it did last may be missing from its journal, which ends at {head}, and would be done again. Look at what it did, then: go on from sequence {head}, or stop?",
    });

    /// <summary>Without its very definition a run is not touched: it waits until
    /// that version is loaded again. Only a cancel is carried out.</summary>
    private async Task<RunExit> ParkWithoutAgentAsync(Claim claim, RunState state, AgentDefinition? other)
    {
        Log.AgentMissing(_logger, state.Run, state.Started.Agent, state.Started.AgentVersion, state.Started.DefinitionHash);
        string reason = other is null ? Reasons.AgentMissing : Reasons.AgentChanged;
        var placeholder = new AgentBuilder(state.Started.Agent, state.Started.AgentVersion)
            .UseModel(new ModelTarget("none", "none"))
            .Build();
        using var session = new RunSession(
            _store, placeholder, claim.Lease, LeaseOf(claim.Lease.Worker), state, _time, _observer) { IsDetached = true };
        if (state.Cancel is not null || (await _store.InboxAsync(state.Run)).Any(s => s.Body is CancelSignal))
        {
            // Ending a run takes neither its models nor its tools: the cancel comes before anything that would.
            session.Note(Claimed(claim));
            return await Loop().RunAsync(session);
        }

        if (state.Status != RunStatus.Awaiting || state.Reason != reason)
        {
            session.Note(Claimed(claim));
            session.Note(
                new StateChanged(state.Status, RunStatus.Awaiting, reason,
                    $"{state.Started.AgentVersion} ({state.Started.DefinitionHash[..12]})"));
        }

        await session.CommitAsync(
            startsEffect: false, new RunRelease(_time.GetUtcNow() + TimeSpan.FromMinutes(1)) { LeavesSignals = true });
        return RunExit.Parked;
    }
}
