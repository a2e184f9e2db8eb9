using Microsoft.Extensions.Logging.Abstractions;
using Steward.Agents;
using Steward.Engine;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;

namespace Steward.TimeTravel;

/// <summary>Runs the real loop on a journal, with everything from outside read from
/// it: no model, tool, probe or validator is called, and nothing is written.</summary>
internal sealed class Replayer(IStewardStore store, AgentRegistry agents, IEnumerable<ModelInfo> prices)
{
    // What was recorded was small enough for the store that took it.
    private static readonly StoreLimits s_unlimited = new() { Payload = 1 << 30 };

    private static readonly ModelRetryOptions s_retry = new()
    {
        Delay = TimeSpan.Zero,
        MaxDelay = TimeSpan.Zero,
        BreakerThroughput = int.MaxValue,
        RefusedOpen = TimeSpan.Zero,
    };

    public async Task<ReplayReport> ReplayAsync(RunId run, ReplayRequest request, CancellationToken cancellationToken) =>
        await ReplayAsync(await Recordings.ReadAsync(store, run, cancellationToken), request, cancellationToken);

    /// <summary>Replays a journal that was read.</summary>
    public async Task<ReplayReport> ReplayAsync(Recording recording, ReplayRequest request, CancellationToken cancellationToken)
    {
        Dictionary<string, AgentBlueprint?> blueprints = [];
        if (request.Agent is not null)
        {
            foreach (string hash in recording.Entries.Select(e => e.Event).Select(
                e => e is RunStarted s ? s.DefinitionHash : (e as RunMigrated)?.DefinitionHash).OfType<string>())
                blueprints[hash] = await Migration.BlueprintAsync(store, hash, cancellationToken);
        }

        var tape = new ReplayTape(recording, request.Agent, hash => blueprints.GetValueOrDefault(hash));
        await using (var player = new Player(this, tape, recording, request.Agent))
            await player.PlayAsync(cancellationToken);
        return new ReplayReport
        {
            Run = recording.Run,
            Recorded = tape.Length,
            Matched = tape.Divergence is { } d ? d.Sequence - 1 : tape.Position,
            Divergence = tape.Divergence,
        };
    }

    /// <summary>Where the contents are that the journal names by their hashes.</summary>
    private IStewardStore Store => store;

    private AgentDefinition Definition(RunStarted started, string version, string hash) =>
        agents.Find(started.Agent, version) is { } loaded && loaded.Hash == hash
            ? loaded
            : throw new StewardException(
                $"The definition of '{started.Agent}' version '{version}' ({hash[..12]}) is not loaded here. Load it, or say with which definition to replay.");

    /// <summary>Models that are not in the price list here cost nothing in a replay: nothing is bought.</summary>
    private ModelCatalog Catalog(AgentDefinition agent)
    {
        ModelCatalog catalog = ModelCatalog.Default.With([.. prices]);
        ModelInfo[] unknown = [.. agent.Routes.Values.SelectMany(r => r.Targets).DistinctBy(t => (t.Provider, t.Model)).Where(t =>
            catalog.Find(t.Provider, t.Model) is null)
            .Select(t => new ModelInfo(t.Provider, t.Model, 0, 0, null, null, int.MaxValue, int.MaxValue, "replay", "2026-01-01"))];
        return unknown.Length == 0 ? catalog : catalog.With(unknown);
    }

    /// <summary>One replay.</summary>
    private sealed class Player : IAsyncDisposable
    {
        private readonly Replayer _owner;
        private readonly ReplayTape _tape;
        private readonly AgentDefinition? _given;
        private readonly ReplayExecutor _executor;
        private readonly ReplayStore _store;
        private readonly Recording _recording;
        private readonly ContextStep _context;
        private RunState _state;

        public Player(Replayer owner, ReplayTape tape, Recording recording, AgentDefinition? given)
        {
            _owner = owner;
            _tape = tape;
            _given = given;
            _recording = recording;
            _executor = new ReplayExecutor(tape);
            _store = new ReplayStore(tape, _executor, recording.Run);
            _state = RunState.Empty(recording.Run);
            _context = new ContextStep(new ReplayContext(tape, owner.Store));
        }

        public async Task PlayAsync(CancellationToken cancellationToken)
        {
            Begin();
            while (_tape.Position < _tape.Length && _tape.Divergence is null)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long before = _tape.Position;
                await WorkAsync();
                foreach (JournalEntry entry in _store.Entries)
                    _state = _state.Apply(entry);
                _store.Entries.Clear();
                _executor.Forget();
                if (_tape.Divergence is null && _tape.Position == before)
                    _tape.Diverge(
                        before + 1, _state.Status == RunStatus.Awaiting ? $"(nothing: the run waits, {_state.Reason})" : "(nothing)");
            }
        }

        public ValueTask DisposeAsync() => _store.DisposeAsync();

        /// <summary>The request, and what a fork copied, are given.</summary>
        private void Begin()
        {
            long given = (_tape.At(1) as RunStarted)?.Origin?.Copied ?? 1;
            foreach (JournalEntry entry in _recording.Entries.Take((int)given))
                _state = _state.Apply(entry);
            _tape.Position = given;
            _tape.MoveClock(given + 1);
        }

        /// <summary>What one worker did with the run, from its claim until it left it.</summary>
        private async Task WorkAsync()
        {
            AgentDefinition agent = Agent();
            var lease = new Lease(_state.Run, _state.Epoch + 1, "replay");
            var worker = new WorkerLease(_store, lease.Worker, TimeSpan.MaxValue, _tape.Clock);
            using var session = new RunSession(
                _store, agent, lease, worker, _state, _tape.Clock, Silence.Instance) { IsDetached = true, Script = _tape };
            _tape.Session = session;
            if (Next(session) is RunClaimed claimed)
                session.Note(claimed);
            // What the host notes before it hands the run to the loop.
            while (Next(session) is ContextEvent and not ContextAdded { Turn: > 0 } or QuestionAsked { Kind: QuestionKind.Quarantine })
                session.Note(Next(session)!);
            await _context.RestoreAsync(session);
            if (Next(session) is StateChanged { Reason: Reasons.AgentMissing or Reasons.AgentChanged } parked)
            {
                session.Note(parked);
                await session.CommitAsync(startsEffect: false);
                return;
            }

            try
            {
                await Loop(agent).RunAsync(session);
            }
            catch (OperationCanceledException) when (session.Interruption != Interruption.None)
            {
                // The worker that was recorded went away here.
            }
        }

        private RunEvent? Next(RunSession session) => _tape.At(session.State.Sequence + 1);

        /// <summary>The definition under which the next worker went on; when it moved the run to another one first, that one.</summary>
        private AgentDefinition Agent()
        {
            if (_given is not null)
                return _given;
            (string version, string hash) = (_state.Started.AgentVersion, _state.Started.DefinitionHash);
            for (
                long sequence = _tape.Position + 1; _tape.At(sequence) is { } next && (next is RunClaimed && sequence == _tape.Position + 1
                    || ReplaySignals.Of(_state.Run, next) is not null); sequence++)
            {
                if (next is RunMigrated moved)
                    (version, hash) = (moved.AgentVersion, moved.DefinitionHash);
            }

            return _owner.Definition(_state.Started, version, hash);
        }

        private RunLoop Loop(AgentDefinition agent)
        {
            var router = new ModelRouter(
                _ => new ReplayModel(_tape, s_retry), _owner.Catalog(agent), s_retry, _tape.Clock, static () => 0.5);
            var children = new ChildRuns(Callable(agent), _tape.Clock);
            var tools = new ToolStep(_store, _executor, children, _tape.Clock, services: null);
            var validation = new ValidationStep(_store, handlers: null, services: null, NullLogger.Instance) { Ask = Verdict };
            return new RunLoop(_context, new ModelStep(router, s_unlimited, _tape.Clock), tools, validation, children, NullLogger.Instance);
        }

        private ValueTask<Finding> Verdict(IValidator validator, ValidationContext context, CancellationToken cancellationToken) =>
            _tape.Ahead()
                .OfType<VerdictGiven>()
                .FirstOrDefault(v => v.Validator == validator.Name && v.Round == context.State.Round) is { } given
                ? new(new Finding(given.Verdict, given.Evidence))
                : throw _tape.Stop();

        private IEnumerable<T> Recorded<T>()
            where T : RunEvent => _recording.Entries.Select(e => e.Event).OfType<T>();

        /// <summary>The agents that this one calls were there, unless it was
        /// recorded that one was not; they are not started in a replay.</summary>
        private AgentRegistry Callable(AgentDefinition agent)
        {
            HashSet<string> missing = [];
            foreach (ToolRejected rejected in Recorded<ToolRejected>().Where(r => r.Reason == ToolRejection.AgentMissing))
            {
                CallPart[] calls =
                    [.. Recorded<ModelReturned>().Where(r => r.Turn == rejected.Turn).SelectMany(r => r.Content.OfType<CallPart>())];
                if (rejected.Index < calls.Length && agent.FindTool(calls[rejected.Index].Name)?.AgentName is { } name)
                    missing.Add(name);
            }

            return new AgentRegistry(agent.Tools.Select(t => t.AgentName).OfType<string>().Where(n => !missing.Contains(n))
                .Select(n => new AgentBuilder(n).UseModel(new ModelTarget("none", "none")).Build()));
        }
    }

    private sealed class Silence : IRunObserver
    {
        public static Silence Instance { get; } = new();
    }
}
