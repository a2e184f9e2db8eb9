using System.Runtime.ExceptionServices;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Tests.Simulation;

/// <summary>Holds every commit against the invariants of the design (§11: 1 to 13 and 16), knowing nothing of the code that made it.</summary>
/// <remarks>
/// What it finds it also keeps: it is thrown inside calls of the runtime, which is built to survive a store or a tool that throws. <see cref="ThrowIfBroken"/>
/// says it where nobody catches it.
/// </remarks>
internal sealed class Checker(World world)
{
    private readonly Dictionary<RunId, RunState> _states = [];
    private readonly Dictionary<RunId, long> _epochs = [];
    private readonly HashSet<string> _intents = [];
    private readonly Dictionary<string, int> _effects = [];
    private readonly Promises _promises = new(world);

    public IReadOnlyDictionary<RunId, RunState> States => _states;

    /// <summary>What is held against more than one commit.</summary>
    public Promises Promises => _promises;

    /// <summary>The first invariant that did not hold.</summary>
    public Exception? Broken { get; private set; }

    public void ThrowIfBroken()
    {
        if (Broken is { } broken)
            ExceptionDispatchInfo.Throw(broken);
    }

    public void Claimed(Claim claim) => Hold(() => HoldClaim(claim));

    private void HoldClaim(Claim claim)
    {
        _promises.Leased(claim.Lease, world.Now);
        // 2: epochs only grow.
        Assert.True(claim.Lease.Epoch > _epochs.GetValueOrDefault(claim.Lease.Run), "An epoch did not grow.");
        if (claim.Lease.Epoch > 1 && claim.Attempt > 1)
            world.Tally.Count("takeover");
        _epochs[claim.Lease.Run] = claim.Lease.Epoch;
    }

    public void Started(JournalEntry first, params IReadOnlyList<JournalEntry> copied)
    {
        if (_states.ContainsKey(first.Run))
            return;
        RunState state = RunJournal.Fold(RunState.Empty(first.Run), first);
        foreach (JournalEntry entry in copied)
            state = RunJournal.Fold(state, entry);
        foreach (JournalEntry entry in (IEnumerable<JournalEntry>)[first, .. copied])
            _promises.Written(first.Run, entry);
        Assert.False(state.Status.IsTerminal(), "A fork begins with its end."); // 13
        Assert.True(copied.Count == 0 || state.Started.Origin is not null, "A fork does not name its origin.");
        _states[first.Run] = state;
    }

    public async Task AppendedAsync(RunBatch batch, AppendResult result)
    {
        try
        {
            await HoldAsync(batch, result);
        }
        catch (Exception e)
        {
            Broken ??= e;
            throw;
        }
    }

    private async Task HoldAsync(RunBatch batch, AppendResult result)
    {
        if (result is not AppendResult.Committed)
        {
            world.Tally.Count(result switch { AppendResult.Fenced => "fenced", AppendResult.OverBudget => "over budget", AppendResult.Throttled => "throttled", _ => "kill" });
            return;
        }

        world.Tally.Count("commits");
        RunId run = batch.Lease.Run;
        Assert.Equal(_epochs[run], batch.Lease.Epoch); // 2: only the holder of the current epoch appends.
        if (batch.StartsEffect)
            Assert.Null(Gate.FindSwitch(world.Engaged, run, World.Tenant, _states[run].Started.Agent, _states[run].Started.Parent?.Ancestors)); // 8
        foreach (RunStart start in batch.Starts)
            Started(start.Entry);
        foreach (JournalEntry entry in batch.Entries)
            Fold(run, entry);
        foreach (Signal sent in batch.Sends)
        {
            if (_states.TryGetValue(sent.Run, out RunState? to) && !to.Status.IsTerminal())
                _promises.Accepted(sent.Run, sent.Id);
        }

        await _promises.CheckAsync(run, _states[run]);
        await CheckBudgetsAsync();
        await CheckSlotsAsync(batch);
    }

    /// <summary>A tool begins: 4, 5, 9 and 11 are about this moment.</summary>
    public void Effect(ToolContext context, ToolDefinition tool) => Hold(() => HoldEffect(context, tool));

    private void HoldEffect(ToolContext context, ToolDefinition tool)
    {
        _promises.Effect(context.Run, context.Epoch);
        Assert.True(_intents.Contains(context.IdempotencyKey), $"'{tool.Name}' began before its intent was durable."); // 4
        if (tool.Effect == ToolEffect.Unsafe)
        {
            // 5: those who are asked here tell the truth, so that an unsafe call is made once at most.
            _effects[context.IdempotencyKey] = _effects.GetValueOrDefault(context.IdempotencyKey) + 1;
            Assert.Equal(1, _effects[context.IdempotencyKey]);
        }

        RunState state = _states[context.Run];
        ToolCall call = state.Calls.Single(c => c.Intent?.Key == context.IdempotencyKey);
        if (tool.RequiresApproval && !call.Cleared)
            Assert.Equal(ToolGate.Binding(state, call), call.ApprovedBinding); // 9
    }

    /// <summary>Whether an unsafe call took effect: what a probe and an honest person find.</summary>
    public bool Happened(string key) => _effects.ContainsKey(key);

    public async Task EndAsync()
    {
        ThrowIfBroken();
        Assert.All(await world.Store.LimitsAsync(), l => Assert.Equal(0, l.Used.Calls));
        foreach (RunState state in _states.Values)
            Assert.True(state.Outcome is not null, $"Run {state.Run} ({state.Started.Agent}) did not end: {state.Status} {state.Reason}."); // 11, 16
    }

    private void Hold(Action check)
    {
        try
        {
            check();
        }
        catch (Exception e)
        {
            Broken ??= e;
            throw;
        }
    }

    private void Fold(RunId run, JournalEntry entry)
    {
        RunState before = _states[run];
        RunState after = RunJournal.Fold(before, entry); // 1, 3, 13: gap-free, chained, requests rebuilt, nothing after the end.
        _states[run] = after;
        _promises.Written(run, entry);
        switch (entry.Event)
        {
            case ToolStarted e:
                _intents.Add(e.Key);
                break;
            case ModelStarted:
                Assert.True(before.Calls.IsEmpty, "A model was called while a tool call had no result."); // 6
                break;
            case RunCompleted e:
                int validators = before.Started.Parent?.Step is null ? world.Agent(before.Started.Agent).Validators.Count : 0;
                Assert.Equal(validators, e.ProvedBy.Count); // 12
                Assert.All(before.Verdicts, v => Assert.Equal(Verdict.Passed, v.Verdict));
                world.Tally.Count("completed");
                break;
            case RunFailed:
                world.Tally.Count("failed");
                break;
            case RunCancelled:
                world.Tally.Count("cancelled");
                break;
            case ChildStarted e:
                world.Tally.Count(e.HandOff ? "hand-off" : e.Step is null ? "child" : "step");
                break;
            case GuidanceAdded { Reason: Guidance.Reflect }:
                world.Tally.Count("replan");
                break;
            case QuestionAnswered e:
                Assert.NotNull(before.FindQuestion(e.Id)); // 9: one decision.
                world.Tally.Count(e.By == QuestionRules.Expiry ? "expired" : e.Answer == Answer.Approve ? "approved" : e.Answer == Answer.Deny ? "denied" : "answered");
                break;
        }

        if (SignalOf(entry.Event) is { } signal)
            _promises.Applied(run, signal);
    }

    /// <summary>7: for every scope, at every commit.</summary>
    private async Task CheckBudgetsAsync()
    {
        foreach (BudgetInfo budget in await world.Store.BudgetsAsync())
        {
            foreach (BudgetMetric metric in (BudgetMetric[])[BudgetMetric.ModelCalls, BudgetMetric.ToolCalls, BudgetMetric.Tokens, BudgetMetric.Usd])
            {
                decimal used = budget.Spent.Of(metric) + budget.Reserved.Of(metric);
                Assert.True(budget.Reserved.Of(metric) >= 0, $"{budget.Scope}: less than nothing is reserved.");
                if (budget.Ceilings.Of(metric) is { } ceiling)
                    Assert.True(used <= ceiling, $"{budget.Scope}: {used} of {metric} over {ceiling}.");
            }
        }
    }

    /// <summary>The slots that count are the calls that the journals say are in flight, and a call begins only where one is left.</summary>
    private async Task CheckSlotsAsync(RunBatch batch)
    {
        IReadOnlyList<LimitInfo> limits = await world.Store.LimitsAsync();
        if (limits.Count == 0)
            return;
        HashSet<RunId> leased = [.. (await world.Store.FindAsync(new RunQuery { Limit = 1_000 })).Where(r => r.Worker is not null && r.ClaimableAt > world.Now).Select(r => r.Run)];
        foreach (LimitInfo limit in limits)
        {
            int inFlight = _states.Values.Where(s => leased.Contains(s.Run)).Sum(s => s.Calls.Count(c => c.Status == ToolCallStatus.Started && c.Part.Name == limit.Scope.Name));
            Assert.Equal(inFlight, limit.Used.Calls);
            if (batch.Entries.Any(e => e.Event is ToolStarted started && started.Name == limit.Scope.Name))
                Assert.InRange(inFlight, 0, limit.Limits.CallsAtOnce!.Value);
        }
    }

    private static string? SignalOf(RunEvent e) => e switch
    {
        MessageReceived x => x.Signal,
        CancelRequested x => x.Signal,
        QuestionAnswered x => x.Signal,
        QuestionReassigned x => x.Signal,
        SignalReceived x => x.Signal,
        ChildEnded x => x.Signal,
        SignalIgnored x => x.Signal,
        _ => null,
    };
}
