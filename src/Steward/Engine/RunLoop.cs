using Microsoft.Extensions.Logging;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>The one loop: fold, decide, append intent, act, append result.</summary>
/// <remarks>
/// Everything that a run does goes through here, whether it was just started, resumed after a crash, or woken after weeks. The loop
/// holds no state of its own: what it knows is the fold of the journal, so that to resume is to start. <see cref="Decide"/> says what comes
/// next; a step notes facts as they happen and intents before they act. The commit of an intent is the gate (<see
/// cref="IRunStore.AppendAsync"/>). It takes along the facts noted since the last one: one durable commit per action.
/// A step never acts before its intent is durable, and never retries an append on a fresh head. A lost race means that the run is another
/// worker's. A refused intent is taken back, so it never happened; a fact is never taken back.
/// </remarks>
internal sealed class RunLoop(
    ContextStep context,
    ModelStep models,
    ToolStep tools,
    ValidationStep validation,
    ChildRuns children,
    ILogger logger)
{
    /// <summary>Works on a claimed run until it ends, waits, or has to be given up on this worker.</summary>
    public async Task<RunExit> RunAsync(RunSession session)
    {
        while (true)
        {
            if (session.Interruption == Interruption.LeaseLost)
                return RunExit.Lost;
            if (session.SignalsPending)
                await DrainAsync(session);
            if (session.State.Started.DefinitionHash != session.Agent.Hash && !session.IsDetached)
                // It was moved to another version: the next claim goes on with that.
                return await ParkAsync(session, wakeAt: session.Now);
            if (session.Interruption == Interruption.Kill)
                return await ParkKilledAsync(session, session.KilledBy);
            if (session.IsParkRequested || session.Interruption == Interruption.Shutdown)
                return await ParkAsync(session, wakeAt: session.Now);
            if (!await session.RenewIfDueAsync(CancellationToken.None))
                return RunExit.Lost;

            RunAction action = Decide.Next(session.State, session.Agent, session.Now);
            StepResult step = action switch
            {
                RunAction.Record record => Note(session, record),
                RunAction.CallModel { Side: null } turn => await context.BeforeTurnAsync(session) ?? await models.RunAsync(session, turn),
                RunAction.CallModel beside => await models.RunAsync(session, beside),
                RunAction.CallTools => await tools.RunAsync(session),
                RunAction.Reconcile reconcile => await tools.ReconcileAsync(session, reconcile.Call),
                RunAction.Validate validate => await validation.RunAsync(session, validate.Answer),
                RunAction.StartSteps start => await StartStepsAsync(session, start.Steps),
                RunAction.Expire expire => await ExpireAsync(session, expire.Question),
                RunAction.Finish finish => new StepResult.End(finish),
                RunAction.Park => StepResult.Wait.Instance,
                _ => StepResult.Over.Instance,
            };

            switch (step)
            {
                case StepResult.End end:
                    return await FinishAsync(session, end.Finish);
                case StepResult.Wait:
                    return await ParkAsync(session, session.State.NextDue);
                case StepResult.Killed killed:
                    return await ParkKilledAsync(session, killed.Switch.Scope);
                case StepResult.StepAside aside:
                    session.ForgetClaim();
                    return await ParkAsync(session, aside.WakeAt, aside.Reason);
                case StepResult.ModelsDown down:
                    session.Note(
                        new StateChanged(session.State.Status, RunStatus.Awaiting, Reasons.ModelUnavailable, down.Detail));
                    return await ParkAsync(session, down.WakeAt);
                case StepResult.Lost:
                    Log.Fenced(logger, session.State.Run);
                    return RunExit.Lost;
                case StepResult.Over:
                    return RunExit.Ended;
            }
        }
    }

    private static StepResult.Next Note(RunSession session, RunAction.Record record)
    {
        foreach (RunEvent fact in record.Events)
            session.Note(fact);
        return StepResult.Next.Instance;
    }

    /// <summary>Turns the inbox into events; they become durable, and the signals consumed, with the next commit.</summary>
    private static async ValueTask DrainAsync(RunSession session)
    {
        foreach (Signal signal in await session.DrainAsync(CancellationToken.None))
        {
            if (!session.State.Status.IsTerminal())
                session.Note(Inbox.Translate(session.State, signal), consumes: signal.Id);
        }
    }

    private async ValueTask<StepResult> StartStepsAsync(RunSession session, IReadOnlyList<PlanStep> steps)
    {
        if (!await session.EnsureLeaseAsync(CancellationToken.None))
            return StepResult.Lost.Instance;
        RunSession.Bookmark mark = session.Mark();
        foreach (PlanStep step in steps)
            children.Start(session, step);
        AppendResult result = await session.CommitAsync(startsEffect: true);
        if (result is not AppendResult.Committed)
            session.TakeBack(mark);
        return StepResult.Of(result);
    }

    /// <summary>The store's clock judges: when it says that there is time left, the run waits on.</summary>
    private static async ValueTask<StepResult> ExpireAsync(RunSession session, QuestionAsked question)
    {
        // The question may have been noted a moment ago: before the store can close it, it has to be there.
        if (await session.CommitAsync(startsEffect: false) is var result and not AppendResult.Committed)
            return StepResult.Of(result);
        return (await session.ExpireAsync(question)).Status is DecisionStatus.NotDue or DecisionStatus.Unknown
            ? StepResult.Wait.Instance
            : StepResult.Next.Instance;
    }

    private async ValueTask<RunExit> FinishAsync(RunSession session, RunAction.Finish finish)
    {
        session.Note(new StateChanged(session.State.Status, finish.Status, finish.Reason));
        RunState before = session.State;
        session.Note(finish.Outcome);
        foreach (ChildStarted child in before.Children)
            session.Send(
                new Signal($"cancel:{before.Run}", child.Child,
                    new CancelSignal($"run:{before.Run}", $"The run that started it has ended ({finish.Reason}).")));
        if (before.Started.Parent is not null)
            session.Send(ChildRuns.EndOf(session.State));
        AppendResult result = await session.CommitAsync(startsEffect: false);
        if (result is AppendResult.Committed)
            return RunExit.Ended;
        Log.Fenced(logger, session.State.Run);
        return RunExit.Lost;
    }

    /// <summary>Gives the lease back. When a signal came in meanwhile, the store makes the run claimable at once: none is missed.</summary>
    private async ValueTask<RunExit> ParkAsync(RunSession session, DateTimeOffset? wakeAt, string? reason = null)
    {
        AppendResult result = await session.CommitAsync(startsEffect: false, new RunRelease(wakeAt), reason);
        if (result is AppendResult.Committed)
            return RunExit.Parked;
        Log.Fenced(logger, session.State.Run);
        return RunExit.Lost;
    }

    private async ValueTask<RunExit> ParkKilledAsync(RunSession session, string scope)
    {
        Log.Killed(logger, session.State.Run, scope);
        if (session.State.Status != RunStatus.Awaiting)
            session.Note(new StateChanged(session.State.Status, RunStatus.Awaiting, Reasons.KillSwitch, scope));
        return await ParkAsync(session, session.Now);
    }
}

/// <summary>How the work on a run ended on this worker.</summary>
internal enum RunExit
{
    /// <summary>The run is terminal.</summary>
    Ended,

    /// <summary>It waits, or another worker may go on with it.</summary>
    Parked,

    /// <summary>Another worker has it.</summary>
    Lost,
}
