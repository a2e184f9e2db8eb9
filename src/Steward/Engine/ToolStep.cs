using System.Text.Json;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Makes the tool calls of a message: gate, one durable commit of all intents, then the calls in parallel.</summary>
internal sealed class ToolStep(
    IStewardStore store,
    IToolExecutor executor,
    ChildRuns children,
    TimeProvider time,
    IServiceProvider? services,
    IEffectScope? scope = null,
    ToolAttachments? attachments = null)
{
    private readonly TransactionalCalls _transactions = new(store, executor, scope, attachments);

    /// <summary>Why a run stepped aside, in its row.</summary>
    public const string AtLimit = Reasons.ToolLimit;

    private static readonly TimeSpan s_contention = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(1);

    /// <summary>How long a run waits for a slot in its worker's place.</summary>
    public TimeSpan SlotWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long it stays away when none came.</summary>
    public TimeSpan SlotRest { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Starts every call that can be started, and answers those that cannot.</summary>
    public async ValueTask<StepResult> RunAsync(RunSession session)
    {
        List<Admitted> admitted = Admit(session);
        if (admitted.Count == 0)
            return StepResult.Next.Instance;
        try
        {
            StepResult started = await StartAsync(session, admitted);
            return started is StepResult.Next && admitted.Count > 0 ? await InvokeAsync(session, admitted) : started;
        }
        catch (OperationCanceledException) when (session.Interruption != Interruption.None)
        {
            return StepResult.Next.Instance;
        }
    }

    /// <summary>Asks the probe of a call whose result was lost.</summary>
    public async ValueTask<StepResult> ReconcileAsync(RunSession session, ToolCall call)
    {
        if (await session.CommitAsync(startsEffect: true) is var gate and not AppendResult.Committed)
            return StepResult.Of(gate);
        ToolDefinition tool = session.Agent.FindTool(call.Part.Name)!;
        ProbeResult found;
        using IDisposable? begun = scope?.Begin(session.State, call.Intent!);
        try
        {
            found = await executor.ProbeAsync(tool, Context(session, call.Intent!), ToolGate.Arguments(call, tool), session.Interrupted);
        }
        catch (OperationCanceledException) when (session.Interruption != Interruption.None)
        {
            return StepResult.Next.Instance;
        }

        session.Note(
            new ToolResolved { Turn = call.Turn, Index = call.Index, Outcome = found.Outcome, By = "probe", Result = found.Result });
        return StepResult.Next.Instance;
    }

    private List<Admitted> Admit(RunSession session)
    {
        List<Admitted> admitted = [];
        DateTimeOffset now = session.Now;
        foreach (ToolCall call in session.State.Calls)
        {
            if (!Decide.IsCallable(session.State, call, session.Agent, now))
                continue;
            ToolAdmission admission = ToolGate.Check(session.State, session.Agent, call);
            if (admission.Started is not { } intent)
            {
                session.Note(admission.Rejected!);
                continue;
            }

            ToolDefinition tool = session.Agent.FindTool(intent.Name)!;
            if (tool.Kind is ToolKind.AskUser or ToolKind.HandOff or ToolKind.Wait)
                session.Note(BuiltInCalls.Begin(call, tool, ToolGate.Arguments(call, tool), now));
            else if (tool.Kind == ToolKind.Agent && children.Find(tool) is null)
                session.Note(
                    new ToolRejected(call.Turn, call.Index, ToolRejection.AgentMissing,
                        $"The agent '{tool.AgentName}' is not available at the moment. Go on without it, or say what is missing."));
            else
                admitted.Add(new Admitted(call, intent, tool));
        }

        return admitted;
    }

    /// <summary>Passes the gate with as many intents as it allows. A call that no ceiling has room for is answered without being made; a
    /// call without a slot is left for later.</summary>
    private async ValueTask<StepResult> StartAsync(RunSession session, List<Admitted> admitted)
    {
        long waitingSince = time.GetTimestamp();
        TimeSpan pause = s_contention;
        List<Admitted> later = [];
        while (admitted.Count > 0)
        {
            if (!await session.EnsureLeaseAsync(session.Interrupted))
                return StepResult.Lost.Instance;
            RunSession.Bookmark mark = session.Mark();
            foreach (Admitted call in admitted)
                NoteIntent(session, call);
            AppendResult result = await session.CommitAsync(startsEffect: true);
            if (result is AppendResult.Committed)
                return StepResult.Next.Instance;
            session.TakeBack(mark);
            if (result is AppendResult.Throttled throttled)
            {
                HoldBack(admitted, throttled, later);
                if (admitted.Count > 0)
                    continue; // Those of other tools, and as many as fit.
                if (session.IsParkRequested)
                    return StepResult.Next.Instance;
                if (time.GetElapsedTime(waitingSince) >= SlotWait)
                    return new StepResult.StepAside(AtLimit, session.Now + SlotRest);
                await Task.Delay(pause, time, session.Interrupted);
                pause = pause + pause < s_longestPause ? pause + pause : s_longestPause;
                admitted.AddRange(later);
                later.Clear();
                continue;
            }

            if (result is not AppendResult.OverBudget over)
                return StepResult.Of(result);
            BudgetAmount last = admitted[^1].Intent.Reserved;
            if (over.Shortfall.LeftAtBest >= last.Of(over.Shortfall.Metric)
                && over.Shortfall.Reserved > 0
                && time.GetElapsedTime(waitingSince) < session.Agent.Limits.BudgetWait)
                await Task.Delay(s_contention, time, session.Interrupted);
            else
                Refuse(session, admitted, over.Shortfall);
        }

        return StepResult.Next.Instance;
    }

    /// <summary>Takes out the calls of a tool for which there is no slot, from the last on.</summary>
    private static void HoldBack(List<Admitted> admitted, AppendResult.Throttled throttled, List<Admitted> later)
    {
        int free = throttled.Free;
        for (int i = 0; i < admitted.Count; i++)
        {
            if (admitted[i].Intent.Name != throttled.Tool || admitted[i].Tool.Kind == ToolKind.Agent || free-- > 0)
                continue;
            later.Add(admitted[i]);
            admitted.RemoveAt(i--);
        }
    }

    private void NoteIntent(RunSession session, Admitted call)
    {
        if (call.Tool.Kind == ToolKind.Agent)
            children.Start(session, call.Call, call.Tool, ToolGate.Arguments(call.Call, call.Tool));
        else
            session.Note(call.Intent);
    }

    private static void Refuse(RunSession session, List<Admitted> admitted, BudgetShortfall shortfall)
    {
        ToolCall call = admitted[^1].Call;
        admitted.RemoveAt(admitted.Count - 1);
        string message =
            $"'{call.Part.Name}' was not called: the ceiling of {shortfall.Metric} for {shortfall.Scope} leaves no room for it. Finish without it.";
        session.Note(new ToolRejected(call.Turn, call.Index, ToolRejection.Budget, message));
    }

    private async ValueTask<StepResult> InvokeAsync(RunSession session, List<Admitted> admitted)
    {
        admitted.RemoveAll(a => a.Tool.Kind == ToolKind.Agent); // Their children are on their own.
        foreach (Admitted call in admitted.Where(a => a.Tool.Effect == ToolEffect.Transactional).ToArray())
        {
            admitted.Remove(call);
            if (await _transactions.InvokeAsync(
                session, call.Tool, Context(session, call.Intent), ToolGate.Arguments(call.Call, call.Tool), call.Intent) is { } stopped)
                return stopped;
        }

        if (admitted.Count == 0)
            return StepResult.Next.Instance;
        if (admitted.Count == 1)
        {
            (RunEvent only, Blob? blob) = await InvokeAsync(session, admitted[0]);
            session.Note(Fit(session, only), blob);
            return StepResult.Next.Instance;
        }

        using var slots = new SemaphoreSlim(session.Agent.Limits.ParallelTools);
        List<Task<(RunEvent Event, Blob? Blob)>> running = [.. admitted.Select(call => InvokeInSlotAsync(session, call, slots))];
        while (running.Count > 0)
        {
            await Task.WhenAny(running);
            foreach (Task<(RunEvent Event, Blob? Blob)> done in running.Where(t => t.IsCompleted).ToArray())
            {
                running.Remove(done);
                (RunEvent result, Blob? blob) = await done;
                session.Note(Fit(session, result), blob);
            }

            // A slow sibling must not put a result at risk that is there already.
            if (running.Count > 0 && await session.CommitAsync(startsEffect: false) is var kept and not AppendResult.Committed)
            {
                session.Interrupt(Interruption.LeaseLost);
                await Task.WhenAll(running);
                return StepResult.Of(kept);
            }
        }

        return StepResult.Next.Instance;
    }

    // One after the other, as they are noted: what one call brought decides which models are left for the next.
    private RunEvent Fit(RunSession session, RunEvent result) => attachments?.Fit(session, result) ?? result;

    private async Task<(RunEvent Event, Blob? Blob)> InvokeInSlotAsync(RunSession session, Admitted call, SemaphoreSlim slots)
    {
        try
        {
            await slots.WaitAsync(session.Interrupted);
        }
        catch (OperationCanceledException)
        {
            return (NotMade(call.Intent), null);
        }

        try
        {
            return await InvokeAsync(session, call);
        }
        finally
        {
            slots.Release();
        }
    }

    private async ValueTask<(RunEvent Event, Blob? Blob)> InvokeAsync(RunSession session, Admitted call)
    {
        if (!await session.MayStartAsync())
            return (NotMade(call.Intent), null);
        JsonElement arguments = ToolGate.Arguments(call.Call, call.Tool);
        using IDisposable? begun = scope?.Begin(session.State, call.Intent);
        using LeaseGuard? guard = call.Tool is { Effect: ToolEffect.Unsafe, Probe: not null } ? new LeaseGuard(session, time) : null;
        return await executor.InvokeAsync(
            call.Tool, Context(session, call.Intent), arguments, call.Intent, () => session.MayEnter, guard?.Token ?? session.Interrupted);
    }

    /// <summary>What is certain of a call that was held back at the last moment. Where
    /// the run was lost, nobody hears of it, and the next worker finds out.</summary>
    private static ToolFailed NotMade(ToolStarted intent) => ToolResults.NotMade(
        intent,
        ToolFailure.Cancelled,
        $"'{intent.Name}' was not called: the run was interrupted, or its lease could not be confirmed, before it began.");

    private ToolContext Context(RunSession session, ToolStarted intent) => new()
    {
        Run = session.State.Run,
        Tenant = session.State.Started.Tenant,
        User = session.State.Started.User,
        Agent = session.Agent.Name,
        Tool = intent.Name,
        IdempotencyKey = intent.Key,
        Epoch = session.Lease.Epoch,
        Attempt = intent.Attempt,
        Services = services,
        Blobs = store,
        Results = session.State.ResultBlobs,
    };

    private sealed record Admitted(ToolCall Call, ToolStarted Intent, ToolDefinition Tool);
}
