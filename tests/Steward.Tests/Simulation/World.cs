using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Steward.Agents;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;
using Steward.Testing;
using Steward.Tests.Support;
using Steward.TimeTravel;
using Steward.Tools;

namespace Steward.Tests.Simulation;

/// <summary>A simulated world: two processes, a few runs, people, operators, and a clock, all driven by one seed on one thread.</summary>
/// <remarks>
/// Everything that the runtime awaits completes at once, but for tools that hang: those wait for the clock. What happens "at the same time"
/// happens inside the calls to the store: at each of them anybody else may act, another process included. So an interleaving is a sequence, and a
/// seed gives the same one every time.
/// </remarks>
internal sealed class World : IServiceProvider
{
    public const string Tenant = "acme";

    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(500);

    // Built once: agents and prices are the same in every world, and reach theirs through the services.
    private static readonly Dictionary<string, AgentDefinition> s_agents = ((AgentDefinition[])[Worker(), Planner(), Helper()]).ToDictionary(a => a.Name);
    private static readonly ModelCatalog s_catalog = ModelCatalog.Default.With(Harness.Price);

    private readonly Random _random;
    private readonly ManualTimeProvider _time = new();
    private readonly List<Process> _processes = [];
    private readonly RunHub _hub = new();
    private readonly ModelRouter _router;
    private int _signals;
    private int _depth;

    public World(int seed)
    {
        _random = new Random(seed);
        Store = new InMemoryStewardStore(_time);
        Checker = new Checker(this);
        _router = new ModelRouter(_ => new FunctionModel(new SimulatedModel(this).Answer), s_catalog, new ModelRetryOptions { Delay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero }, _time, () => 0.5);
    }

    public InMemoryStewardStore Store { get; }

    public DateTimeOffset Now => _time.GetUtcNow();

    public Checker Checker { get; }

    public Tally Tally { get; } = new();

    /// <summary>The switches that are engaged, as the operators know it.</summary>
    public List<KillSwitch> Engaged { get; } = [];

    /// <summary>Whether the storm is over: nothing goes wrong any more, and everything has to end.</summary>
    public bool IsCalm { get; private set; }

    public int Next(int below) => _random.Next(below);

    /// <summary>Whether something happens that has so many chances in a hundred; once the world is calm, nothing does.</summary>
    public bool Chance(int percent) => !IsCalm && _random.Next(100) < percent;

    public AgentDefinition Agent(string name) => s_agents[name];

    public object? GetService(Type serviceType) => serviceType == typeof(World) ? this : null;

    /// <summary>What happened, without the ids, which are made anew each time.</summary>
    public async Task<string> DescribeAsync()
    {
        List<string> lines = [];
        foreach (RunId run in Checker.States.Keys)
        {
            await foreach (JournalEntry entry in Store.ReadAsync(run))
                lines.Add($"{entry.Time:O} {entry.Type}{(entry.Event is StateChanged change ? $" {change.To} {change.Reason}" : "")}");
        }

        return string.Join('\n', lines);
    }

    public async Task<Tally> RunAsync()
    {
        if (Chance(50))
            await Store.SetCeilingsAsync(BudgetScope.ForTenant(Tenant), new BudgetCeilings { ModelCalls = 10 + Next(60), Tokens = 20_000 + Next(200_000) });
        foreach (string tool in (string[])["look", "send", "hang"])
        {
            if (Chance(30))
                await Store.SetLimitsAsync(LimitScope.ForTool(tool), new Limits { CallsAtOnce = 1 });
        }

        _processes.Add(new Process(this, "p1"));
        _processes.Add(new Process(this, "p2"));
        for (int i = 0; i < 24; i++)
        {
            if (i < 2 || Chance(8))
                await StartAsync();
            await DisturbAsync("nobody");
            Checker.ThrowIfBroken();
        }

        await EndAsync();
        await Checker.EndAsync();
        return Tally;
    }

    private string Describe() => string.Join("; ", Checker.States.Values.Where(s => s.Outcome is null).Select(s => $"{s.Started.Agent} {s.Status} {s.Reason} at {s.Sequence}, epoch {s.Epoch}"));

    /// <summary>Somebody does something.</summary>
    public async Task DisturbAsync(string by)
    {
        if (_depth > 2)
            return;
        _depth++;
        try
        {
            await (Next(12) switch
            {
                0 => SignalAsync(new MessageSignal([new TextPart("And one thing more.")])),
                1 => Chance(30) ? SignalAsync(new CancelSignal("ana", null)) : Task.CompletedTask,
                2 => SignalAsync(new NamedSignal("paid", null)),
                3 or 4 => DecideAsync(),
                5 => Chance(25) ? ForkAsync() : SwitchAsync(),
                6 => AdvanceAsync(TimeSpan.FromMilliseconds(Next(3_000))),
                7 => AdvanceAsync(Lease * (1 + Next(3))),
                _ => WorkAsync(by),
            });
        }
        finally
        {
            _depth--;
        }
    }

    /// <summary>A process stands still for longer than its lease, just before it appends, and another one goes on.</summary>
    public async Task FreezeAsync(string process, RunId run)
    {
        Tally.Count("freeze");
        await AdvanceAsync(Lease * (1 + Next(3)));
        if (Chance(40))
        {
            // One that takes the run and dies at once: nothing but the epoch tells that the run is not the frozen one's any more.
            if (await Store.ClaimOneAsync(new ClaimRequest { Worker = "ghost", Duration = Lease, Run = run }) is { } taken)
                Checker.Claimed(taken);
        }
        else if (_depth <= 2)
        {
            await WorkAsync(process);
        }
    }

    private async Task StartAsync()
    {
        AgentDefinition agent = s_agents[Next(3) == 0 ? "planner" : "worker"];
        RunId run = RunId.New(_time);
        var started = new RunStarted
        {
            Agent = agent.Name,
            AgentVersion = agent.Version,
            DefinitionHash = agent.Hash,
            Tenant = Tenant,
            Session = Chance(30) ? "s" : null,
            Input = [new TextPart("go")],
            Ceilings = Chance(30) ? new BudgetCeilings { ModelCalls = 2 + Next(10), Tokens = 4_000 + Next(40_000) } : BudgetCeilings.None,
        };
        var entry = JournalEntry.Create(run, 1, JournalEntry.Origin, started, _time.GetUtcNow());
        StartResult result = await Store.StartAsync(new RunStart { Run = run, Entry = entry, SessionPolicy = (SessionPolicy)Next(5) });
        if (result.Created)
            Checker.Started(entry);
    }

    private async Task SignalAsync(SignalBody body, RunId? to = null)
    {
        RunId[] runs = [.. Checker.States.Keys];
        if (runs.Length == 0)
            return;
        Tally.Count(body is CancelSignal ? "cancel" : "signal");
        string id = $"s{_signals++}";
        for (int i = 0; i < (Chance(20) ? 2 : 1); i++)
        {
            RunId run = to ?? runs[Next(runs.Length)];
            if (await Store.SignalAsync(new Signal(id, run, body)) == SignalResult.Accepted)
                Checker.Promises.Accepted(run, id);
        }
    }

    /// <summary>Somebody answers an open question: the truth about what happened, anything about the rest. Now and then two do.</summary>
    private async Task DecideAsync()
    {
        IReadOnlyList<QuestionInfo> open = await Store.QuestionsAsync(new QuestionQuery());
        if (open.Count == 0)
            return;
        QuestionInfo question = open[Next(open.Count)];
        for (int i = 0; i < (Chance(20) ? 2 : 1); i++)
            await DecideAsync(new Decision { Id = $"d{_signals++}", Run = question.Run, Question = question.Id, Answer = AnswerTo(question), By = $"person {Next(3)}", Result = "The red one." });
    }

    private async Task DecideAsync(Decision decision)
    {
        DecisionResult result = await Store.DecideAsync(decision);
        if (result.Status == DecisionStatus.Accepted)
            Checker.Promises.Accepted(decision.Run, $"answer:{decision.Question}");
    }

    private Answer AnswerTo(QuestionInfo question)
    {
        if (question.Kind == QuestionKind.OutcomeUnknown)
        {
            RunState state = Checker.States[question.Run];
            QuestionAsked asked = state.FindQuestion(question.Id) ?? new QuestionAsked { Id = "", Kind = question.Kind, Text = "" };
            return state.FindCall(asked.Turn, asked.Index)?.Intent is { } intent && Checker.Happened(intent.Key) ? Answer.Happened : Answer.DidNotHappen;
        }

        return question.Kind switch
        {
            QuestionKind.Quarantine => Answer.Continue,
            QuestionKind.UserInput or QuestionKind.HandOff => Answer.Reply,
            _ => Next(3) == 0 ? Answer.Deny : Answer.Approve,
        };
    }

    /// <summary>Somebody forks a run at any entry of its journal; the fork goes on as a run of its own.</summary>
    private async Task ForkAsync()
    {
        RunState[] origins = [.. Checker.States.Values.Where(s => s.Started.Parent?.Step is null)];
        if (origins.Length is 0 or > 10)
            return;
        RunState origin = origins[Next(origins.Length)];
        RunStart start = await new ForkBuilder(Store, new AgentRegistry(s_agents.Values), _time).BuildAsync(origin.Run, new ForkRequest { Sequence = 1 + Next((int)origin.Sequence) }, CancellationToken.None);
        await Store.StartAsync(start);
        Checker.Started(start.Entry, start.Copied);
        Tally.Count("fork");
    }

    private async Task SwitchAsync()
    {
        if (Engaged.Count > 0)
        {
            KillSwitch engaged = Engaged[0];
            Engaged.RemoveAt(0);
            await Store.ReleaseAsync(engaged.Scope);
            return;
        }

        if (!Chance(40))
            return;
        RunId[] runs = [.. Checker.States.Keys];
        string scope = Next(4) switch { 0 => "global", 1 => $"tenant:{Tenant}", 2 => "agent:worker", _ => runs.Length == 0 ? "global" : $"run:{runs[Next(runs.Length)]}" };
        var killSwitch = new KillSwitch(scope, "olga", null, _time.GetUtcNow());
        await Store.EngageAsync(killSwitch);
        Engaged.Add(killSwitch);
    }

    private Task AdvanceAsync(TimeSpan by)
    {
        _time.Advance(by);
        return Task.CompletedTask;
    }

    private async Task WorkAsync(string by)
    {
        Process? idle = _processes.FirstOrDefault(p => p.Name != by && !p.IsBusy);
        if (idle is not null)
            await idle.WorkAsync();
    }

    /// <summary>The storm is over: switches off, questions answered, and the processes work until everything has ended.</summary>
    private async Task EndAsync()
    {
        IsCalm = true;
        while (Engaged.Count > 0)
            await SwitchAsync();
        await Store.SetCeilingsAsync(BudgetScope.ForTenant(Tenant), BudgetCeilings.None);
        for (int round = 0; round < 400 && Checker.States.Values.Any(s => s.Outcome is null); round++)
        {
            foreach (QuestionInfo question in await Store.QuestionsAsync(new QuestionQuery()))
                await DecideAsync(new Decision { Id = $"d{_signals++}", Run = question.Run, Question = question.Id, Answer = AnswerTo(question), By = "ana", Result = "The red one." });
            Checker.ThrowIfBroken();
            for (int work = 0; await _processes[round % 2].WorkAsync(); work++)
                Assert.True(work < 1_000, $"The runs are claimed again and again without getting on: {Describe()}");

            _time.Advance(Lease);
        }
    }

    private static AgentDefinition Worker() => Builder("worker").AddTools(BuiltInTools.Agent("helper", "Helps."), BuiltInTools.HandOffTo("helper", "Helps."))
        .AddValidators(new DelegateValidator("world", "looks", (context, _) => ValueTask.FromResult(Of(context.Services).Chance(20) ? Finding.Failed("not yet") : Finding.Passed("seen")))).Build();

    private static World Of(IServiceProvider? services) => (World)services!.GetService(typeof(World))!;

    private static AgentDefinition Planner() => Builder("planner").UsePlanning(new PlanningOptions { MaxRounds = 3 }).Build();

    private static AgentDefinition Helper() => Builder("helper").Build();

    // No waiting for budgets and slots: a delay by the clock would go on on another thread.
    private static AgentBuilder Builder(string name) => new AgentBuilder(name)
        .UseModel(Harness.Model)
        .AddTools(
            Tool("look", ToolEffect.ReadOnly),
            Tool("put", ToolEffect.Idempotent),
            Tool("send", ToolEffect.Unsafe),
            Tool("pay", ToolEffect.Unsafe, probe: true),
            Tool("wipe", ToolEffect.Unsafe, probe: true, approval: true),
            Tool("hang", ToolEffect.Unsafe, hangs: true),
            BuiltInTools.AskUser,
            BuiltInTools.WaitUntil)
        .AddApprovals(new ApprovalPolicy { Name = "wipes", Tools = ["wipe"], ExpiresAfter = TimeSpan.FromSeconds(20) })
        .WithLimits(new AgentLimits { Iterations = 8, Attempts = 100, Depth = 2, BudgetWait = TimeSpan.Zero });

    private static ToolDefinition Tool(string name, ToolEffect effect, bool probe = false, bool approval = false, bool hangs = false)
    {
        ToolDefinition? tool = null;
        JsonElement schema = JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}""");
        return tool = new ToolDefinition(name, "Tested.", schema, (context, arguments, _) => Of(context.Services).ActAsync(context, tool!, arguments.GetProperty("n").GetInt32(), hangs))
        {
            Effect = effect,
            RequiresApproval = approval,
            Timeout = TimeSpan.FromSeconds(5),
            Probe = probe ? (context, _, _) => ValueTask.FromResult(Of(context.Services).Checker.Happened(context.IdempotencyKey) ? ProbeResult.Happened("found") : ProbeResult.DidNotHappen) : null,
        };
    }

    private async ValueTask<ToolOutput> ActAsync(ToolContext context, ToolDefinition tool, int n, bool hangs)
    {
        if (Chance(5))
            throw new ToolException("Not possible now.");
        if (hangs && Chance(50))
        {
            Tally.Count("hung tool");
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, CancellationToken.None);
        }

        Checker.Effect(context, tool);
        if (Chance(8))
            throw new InvalidOperationException("broke");
        if (Chance(4))
        {
            Tally.Count("lost effect");
            foreach (Process process in _processes.Where(p => p.Works(context.Run)))
                process.Kill();
        }

        return new ToolOutput($"result {n}");
    }

    /// <summary>A process with a worker: it can die at any call to the store, and is then replaced by a new one.</summary>
#pragma warning disable CA1001 // Its store holds nothing that could be disposed of: it stands before the world's.
    private sealed class Process(World world, string name)
#pragma warning restore CA1001
    {
        private SimulatedStore _store = new(world, name);
        private RunEngine? _engine;
        private RunId? _run;
        private int _lives;

        public string Name => name;

        public bool IsBusy => _run is not null;

        public bool Works(RunId run) => _run == run;

        public void Kill() => _store.Kill();

        /// <summary>Claims a run and works on it for as long as it goes; false when there was nothing to claim.</summary>
        public async Task<bool> WorkAsync()
        {
            if (_engine is null || _store.IsDead)
                Restart();
            Claim? claim = await _store.ClaimOneAsync(new ClaimRequest { Worker = $"{name}.{_lives}", Duration = Lease });
            if (claim is null)
                return false;
            _run = claim.Lease.Run;
            try
            {
                Task<RunExit> work = _engine!.ExecuteAsync(claim);
                await PumpAsync(work);
                await work;
            }
            catch (StoreException)
            {
                // The lease runs out; whoever claims the run next goes on from what is durable.
            }
            finally
            {
                _run = null;
            }

            return true;
        }

        /// <summary>What waits for the clock gets it; meanwhile the worker keeps watch, as its second loop does.</summary>
        private async Task PumpAsync(Task work)
        {
            int? cancelled = null;
            for (int i = 0; !work.IsCompleted; i++)
            {
                // 16: told of a cancel, a run is over within the grace time, whatever its tools do.
                Assert.True(cancelled is null || (i - cancelled) * s_tick <= s_grace + 2 * s_tick, $"Run {_run} was told of a cancel {i - cancelled} ticks ago.");
                Assert.True(i < 500, $"Run {_run} waits for something that never comes.");
                if (i > 100)
                    await Task.WhenAny(work, Task.Delay(1)); // Whatever went to another thread comes back.
                if (cancelled is null && world.Chance(3) && _run is { } run)
                    await world.SignalAsync(new CancelSignal("ana", null), run);
                world._time.Advance(s_tick);
                if (_store.IsDead)
                    continue;
                foreach (RunAttention attention in await world.Store.WatchAsync($"{name}.{_lives}"))
                {
                    if (await LookAsync(attention))
                        cancelled ??= i;
                }
            }

            if (cancelled is not null)
                world.Tally.Count("cancel at work");
        }

        /// <returns>Whether the run was told of a cancel.</returns>
        private async Task<bool> LookAsync(RunAttention attention)
        {
            if (!_engine!.Active.TryGetValue(attention.Run, out RunSession? session))
                return false;
            if (attention.Killed is { } killSwitch)
                session.Kill(killSwitch.Scope);
            if (!attention.SignalsPending)
                return false;
            session.SignalsPending = true;
            bool cancelled = (await world.Store.InboxAsync(attention.Run)).Any(s => s.Body is CancelSignal);
            if (cancelled)
                session.Interrupt(Interruption.Cancel);
            return cancelled;
        }

        private void Restart()
        {
            _lives++;
            _store = new SimulatedStore(world, name);
            _engine = new RunEngine(
                _store,
                new AgentRegistry(s_agents.Values),
                world._router,
                new StewardOptions { LeaseDuration = Lease, MaxClaimAttempts = 1_000, CancelGrace = s_grace, SlotWait = TimeSpan.Zero },
                world._time,
                new IsolatedObservers([], NullLogger.Instance),
                world,
                NullLogger.Instance,
                handlers: new Handlers(mostAbandoned: 1_000, onThreads: false));
        }
    }
}
