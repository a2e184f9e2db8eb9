using System.Globalization;
using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.Tools;

namespace Steward.State;

/// <summary>Names a run's next action from its state alone. Pure: given the same state, agent and time it says the same.</summary>
internal static class Decide
{
    public static RunAction Next(RunState state, AgentDefinition agent, DateTimeOffset now)
    {
        if (state.Status.IsTerminal())
            return RunAction.Done.Instance;
        if (state.Model is { Lost: true } lost)
            return new RunAction.Record(LostModelCall(lost));
        if (state.Cancel is { } cancel)
            return new RunAction.Finish(new RunCancelled(cancel.By, cancel.Reason, state.LastText), RunStatus.Cancelled, Reasons.Cancelled);
        if (state.StoppedBy is { } stop)
            return Fail(state, Reasons.Stopped, $"{stop.By} ended the run{(stop.Note is null ? "" : $": {stop.Note}")}.");
        if (DueQuestion(state, now) is { } late)
            return new RunAction.Expire(late);
        if (DueWait(state, now) is { } over)
            return new RunAction.Record(
                new WaitEnded(over.Turn, over.Index, $"The time has come: it is {over.WaitUntil:yyyy-MM-ddTHH:mm:ssZ}."));
        if (Waits(state, agent))
            return state.Status == RunStatus.Awaiting ? RunAction.Park.Instance : new RunAction.Record(Await(state));
        bool planned = state.IsPlanned(agent);
        if (state.Status is RunStatus.Awaiting)
            return Change(state, planned && state.Planning.Plan is null ? RunStatus.Planning : RunStatus.Executing, Reasons.Resumed);
        if (state.Status is RunStatus.Planning && !planned)
            return Change(state, RunStatus.Executing, Reasons.DirectMode);
        if (!state.Calls.IsEmpty)
            return NextForCalls(state, agent, now);
        if (state.Side is { } answered && agent.FindSideCall(answered.Purpose) is { } call)
            return new RunAction.Record(Read(state, call, answered));
        if (state.GaveUp is { } failure)
            return Fail(state, FailureCode(failure), failure.Message);
        if (state.Mistakes >= agent.Limits.Mistakes)
            return Fail(state, Reasons.ModelMistakes, $"The model made {state.Mistakes} mistakes in a row; the last is in the journal.");
        if (agent.Limits.WallTime is { } limit && state.Active(now) >= limit)
            return Fail(state, Reasons.WallTime, $"The run was active for {Show(limit)}, its ceiling of wall time.");
        if (planned)
            return PlannedMode.Next(state, agent);
        return state.Answer is { } answer ? NextForAnswer(state, agent, answer) : NextTurn(state, agent, ModelRole.Executor);
    }

    private static QuestionAsked? DueQuestion(RunState state, DateTimeOffset now) =>
        state.Questions.FirstOrDefault(q => q.ExpiresAt <= now);

    private static ToolCall? DueWait(RunState state, DateTimeOffset now) =>
        state.Calls.FirstOrDefault(c => c.Status == ToolCallStatus.Waiting && c.WaitUntil <= now);

    /// <summary>The event for a model call whose worker went away: the money may be spent, so the reservation is.</summary>
    public static ModelFailed LostModelCall(ModelCall lost) => new()
    {
        Turn = lost.Intent.Turn,
        Attempt = lost.Intent.Attempt,
        Failure = ModelFailure.StreamInterrupted,
        Message = "The worker went away while the model was answering; its reservation is counted as spent.",
        Settled = lost.Intent.Reserved,
    };

    /// <summary>Whether a lost call may be made again with the same key, without asking anybody.</summary>
    public static bool IsRepeatable(ToolCall call, ToolDefinition? tool, DateTimeOffset now) => call.Intent!.Effect switch
    {
        ToolEffect.ReadOnly => true,
        ToolEffect.Transactional =>
            // Nothing happened, or its result would be here; unless the tool came back and broke its word, which settled the reservation.
            call.Reserved != BudgetAmount.Zero,
        ToolEffect.Idempotent => tool is not null && now - call.FirstStartedAt < tool.KeyMemory,
        _ => false,
    };

    private static RunAction NextForCalls(RunState state, AgentDefinition agent, DateTimeOffset now)
    {
        // People are asked first, in the commit that starts the siblings: only the calls that need approval wait.
        foreach (ToolCall call in state.Calls)
        {
            if (state.WrapUp is null && ApprovalOf(state, call, agent) is { } policy)
                return new RunAction.Record(AskApproval(state, call, agent.FindTool(call.Part.Name)!, policy, now));
        }

        foreach (ToolCall call in state.Calls)
        {
            if (IsCallable(state, call, agent, now))
                return RunAction.CallTools.Instance;
        }

        foreach (ToolCall call in state.Calls)
        {
            if (call.Status == ToolCallStatus.Lost)
                return !call.Probed && agent.FindTool(call.Part.Name)?.Probe is not null
                    ? new RunAction.Reconcile(call)
                    : new RunAction.Record(AskOutcome(call, agent.FindTool(call.Part.Name)));
        }

        return RunAction.Park.Instance;
    }

    /// <summary>Whether a call can be started, started again or refused now.</summary>
    public static bool IsCallable(RunState state, ToolCall call, AgentDefinition agent, DateTimeOffset now) => call.Status switch
    {
        ToolCallStatus.Requested =>
            state.WrapUp is not null || (!ToolOrder.Waits(state, agent, call) && ApprovalOf(state, call, agent) is null),
        ToolCallStatus.Lost => IsRepeatable(call, agent.FindTool(call.Part.Name), now),
        _ => false,
    };

    /// <summary>The policy under which a call has to be approved before it starts. Null when it needs no approval, or was approved exactly
    /// as it is now.</summary>
    private static ApprovalPolicy? ApprovalOf(RunState state, ToolCall call, AgentDefinition agent)
    {
        if (call.Status != ToolCallStatus.Requested
            || agent.FindTool(call.Part.Name) is not { } tool
            || ApprovalPolicy.Of(agent, tool, ToolGate.Arguments(call, tool)) is not { } policy
            || ToolGate.WouldReject(state, agent, call))
        {
            return null;
        }

        bool holds = call.ApprovedBinding == ToolGate.Binding(state, call) && (call.ApprovedPolicy ?? policy.Name) == policy.Name;
        return holds ? null : policy;
    }

    /// <summary>Whether nothing can be done before a person, a child, a signal or the clock has a word.</summary>
    private static bool Waits(RunState state, AgentDefinition agent)
    {
        if (state.Questions.Any(q => q.Kind == QuestionKind.Quarantine))
            return true;
        foreach (ToolCall call in state.Calls)
        {
            if (call.Status is ToolCallStatus.Requested or ToolCallStatus.Lost
                && !(ToolOrder.Waits(state, agent, call) && ApprovalOf(state, call, agent) is null))
                return false;
        }

        return !state.Questions.IsEmpty
            || state.Calls.Any(c => c.Status is ToolCallStatus.Delegated or ToolCallStatus.Waiting)
            || (!state.Children.IsEmpty && state.IsPlanned(agent) && PlannedMode.Startable(state, agent).Count == 0);
    }

    public static RunAction NextForAnswer(RunState state, AgentDefinition agent, string answer)
    {
        if (state.Finish == FinishReasons.Length && state.WrapUp is null)
            return new RunAction.Record(
                new GuidanceAdded(Guidance.Truncated,
                    "Your answer was cut off at its maximum length. Give the whole answer again, shorter."));
        if (state.Finish == FinishReasons.ToolCalls && state.WrapUp is null)
            return new RunAction.Record(
                new GuidanceAdded(Guidance.MissingCall,
                    "You announced a tool call, but no call arrived. Make the call now, or say that you are done."));
        IReadOnlyList<IValidator> validators = agent.ValidatorsOf(state);
        if (validators.Count == 0)
            return state.WrapUp is { } reason ? Exhausted(state, reason) : Complete(answer, []);
        if (state.Status != RunStatus.Validating)
            return Change(state, RunStatus.Validating, Reasons.Answered);
        foreach (VerdictGiven verdict in state.Verdicts)
        {
            if (verdict.Verdict != Verdict.Passed)
                return AfterVerdict(state, agent, verdict);
        }

        if (state.Verdicts.Length == validators.Count)
            return Complete(answer, [.. state.Verdicts.Select(v => $"{v.Validator}: {v.Evidence}")]);
        return state.Side is null && validators[state.Verdicts.Length].Call is { } call ? Ask(agent, call) : new RunAction.Validate(answer);
    }

    private static RunAction.CallModel Ask(AgentDefinition agent, SideCall call) => new(call.RoleIn(agent), WrapUp: false) { Side = call };

    private static ContextEvent Read(RunState state, SideCall call, SideAnswer answer) =>
        call.Read(state, answer) ?? throw new InvalidOperationException($"The side call '{call.Purpose}' made nothing of its answer.");

    private static RunAction AfterVerdict(RunState state, AgentDefinition agent, VerdictGiven verdict)
    {
        if (verdict.Verdict == Verdict.Inconclusive)
            return Fail(
                state,
                Reasons.NotValidated,
                $"The validator '{verdict.Validator}' could not find out whether the outcome is right: {verdict.Evidence}");
        if (state.WrapUp is { } reason)
            return Exhausted(state, reason);
        if (state.Round >= agent.Limits.ValidationRounds)
            return Fail(
                state,
                Reasons.ValidationFailed,
                $"After {state.Round} rounds the validator '{verdict.Validator}' still found: {verdict.Evidence}");
        if (state.IsPlanned(agent))
            return PlannedMode.Reflect(
                state,
                agent,
                Reasons.ValidationFailed,
                $"The outcome was checked and the check '{verdict.Validator}' did not pass: {verdict.Evidence}");
        string text = $"Your answer was checked and the check '{verdict.Validator}' did not pass: {verdict.Evidence} Put right what is missing, without doing again what is done, then answer.";
        return new RunAction.Record(
            new StateChanged(state.Status, RunStatus.Executing, Reasons.ValidationFailed, verdict.Validator),
            new GuidanceAdded(Guidance.VerdictFailed, text));
    }

    public static RunAction NextTurn(RunState state, AgentDefinition agent, ModelRole role)
    {
        if (role == ModelRole.Executor && state.Status != RunStatus.Executing)
            return Change(state, RunStatus.Executing, Reasons.Message);
        if (state.IsEmptyAnswer && state.WrapUp is null)
            return AfterEmpty(state);
        if (state.Turn >= agent.Limits.Iterations)
            return Fail(
                state,
                Reasons.Iterations,
                string.Create(CultureInfo.InvariantCulture,
                    $"The run took {state.Turn} turns, its ceiling of iterations, without a validated answer."));
        if (state.WrapUp is { } reason)
            return state.Turn > state.WrapUpTurn ? Exhausted(state, reason) : new RunAction.CallModel(role, WrapUp: true);
        if (state.Turn > 0 && CeilingNear(state, agent) is { } near)
            return new RunAction.Record(WrapUpGuidance(near));
        foreach (SideCall call in agent.SideCalls)
        {
            if (call.IsDue(state))
                return Ask(agent, call);
        }

        return new RunAction.CallModel(role, WrapUp: false);
    }

    /// <summary>An answer without a word: named for what it was, and not paid for again and again where it will not change.</summary>
    private static RunAction AfterEmpty(RunState state)
    {
        if (state.Finish == FinishReasons.ToolCalls)
            return new RunAction.Record(
                new GuidanceAdded(Guidance.MissingCall,
                    "You announced a tool call, but no call arrived. Make the call now, or answer in words."));
        if (state.OutOfRoom == 0)
            return new RunAction.Record(new GuidanceAdded(Guidance.EmptyAnswer, "Your answer was empty. Answer in words, or call a tool."));
        if (state.OutOfRoom == 1)
            return new RunAction.Record(
                new GuidanceAdded(Guidance.Truncated,
                    "Your output limit was used up before you wrote an answer: all of it went into reasoning. Reason briefly, then answer at once."));
        return Fail(
            state,
            Reasons.OutputLimit,
            $"The model used up its whole output limit {state.OutOfRoom} times in a row before it answered; reasoning counts against that limit. Raise 'max_output' of its route, or ask for less reasoning.");
    }

    /// <summary>The ceiling that leaves room for one more turn only, if there is one.</summary>
    private static string? CeilingNear(RunState state, AgentDefinition agent)
    {
        if (state.Turn == agent.Limits.Iterations - 1)
            return Reasons.Iterations;
        return state.Started.Ceilings.ModelCalls is { } calls && state.Spent.ModelCalls == calls - 1 ? "model_calls" : null;
    }

    public static GuidanceAdded WrapUpGuidance(string ceiling) => new(
        Guidance.WrapUp,
        $"The budget is nearly used up ({ceiling}). Tools are off now. In a few sentences: say what has been done, what has not, and what you would do next.");

    private static RunAction.Finish Exhausted(RunState state, string reason)
    {
        string message = state.Refused is { } refused
            ? CeilingReached(refused)
            : $"The run wrapped up: {reason}";
        return Fail(state, state.Refused is null ? Reasons.CeilingReached : Reasons.BudgetExhausted, message);
    }

    /// <summary>What a ceiling refused, and the remedy.</summary>
    public static string CeilingReached(BudgetRefused refused) => string.Create(
        CultureInfo.InvariantCulture,
        $"The ceiling of {refused.Metric} for {refused.Scope} is {refused.Ceiling}; {refused.Spent} is spent and {refused.Reserved} reserved, so the next model call ({refused.Asked} at most) was not made. Raise the ceiling, or accept the partial result.");

    private static RunAction.Finish Complete(string answer, IReadOnlyList<string> provedBy) =>
        new(new RunCompleted(answer, provedBy), RunStatus.Completed, provedBy.Count == 0 ? Reasons.Answered : Reasons.Validated);

    public static RunAction.Finish Fail(RunState state, string code, string message) =>
        new(new RunFailed(code, message, state.LastText), RunStatus.Failed, code);

    public static RunAction.Record Change(RunState state, RunStatus to, string reason) => new(new StateChanged(state.Status, to, reason));

    private static StateChanged Await(RunState state)
    {
        if (!state.Questions.IsEmpty)
            return new(
                state.Status,
                RunStatus.Awaiting,
                QuestionReason(state.Questions[0].Kind),
                string.Join(", ", state.Questions.Select(q => q.Id)));
        if (!state.Children.IsEmpty)
            return new(state.Status, RunStatus.Awaiting, Reasons.Children, string.Join(", ", state.Children.Select(c => c.Child)));
        ToolCall call = state.Calls.First(c => c.Status == ToolCallStatus.Waiting);
        return new(
            state.Status,
            RunStatus.Awaiting,
            call.WaitUntil is null ? Reasons.Signal : Reasons.Timer,
            call.WaitFor ?? $"{call.WaitUntil:yyyy-MM-ddTHH:mm:ssZ}");
    }

    private static string QuestionReason(QuestionKind kind) => kind switch
    {
        QuestionKind.OutcomeUnknown => Reasons.OutcomeUnknown,
        QuestionKind.Approval => Reasons.Approval,
        QuestionKind.Plan => Reasons.PlanApproval,
        QuestionKind.UserInput => Reasons.UserInput,
        QuestionKind.HandOff => Reasons.HandOff,
        _ => Reasons.Quarantined,
    };

    private static QuestionAsked AskOutcome(ToolCall call, ToolDefinition? tool) => new()
    {
        Id = $"outcome-{call.Position}-{call.Intent!.Attempt}",
        Kind = QuestionKind.OutcomeUnknown,
        Text = $"'{call.Part.Name}' was started with {ArgumentText.Write(Shown(call, tool))} (key {call.Intent.Key}) and its result was lost. Did it happen? It will not be called again without your word.",
        Turn = call.Turn,
        Index = call.Index,
        Binding = call.Intent.ArgumentsHash,
        Tool = call.Part.Name,
        Arguments = Shown(call, tool),
    };

    private static QuestionAsked AskApproval(
        RunState state,
        ToolCall call,
        ToolDefinition tool,
        ApprovalPolicy policy,
        DateTimeOffset now) => new()
    {
        Id = call.ApprovalsAsked == 0
            ? $"approve-{call.Position}"
            : string.Create(CultureInfo.InvariantCulture, $"approve-{call.Position}-{call.ApprovalsAsked + 1}"),
        Kind = QuestionKind.Approval,
        Text = $"May '{call.Part.Name}' be called with {ArgumentText.Write(Shown(call, tool))}?",
        Turn = call.Turn,
        Index = call.Index,
        Binding = ToolGate.Binding(state, call),
        Tool = call.Part.Name,
        Arguments = Shown(call, tool),
        Policy = policy.Name,
        Needed = NeededBy(state, policy) is > 1 and var several ? several : 0,
        Roles = policy.Roles.Count == 0 ? null : policy.Roles,
        Assignee = policy.Assignee,
        NotBy = policy.FourEyes ? Starters(state) : null,
        ExpiresAt = policy.ExpiresAfter is { } after
            ? DateTimeOffset.FromUnixTimeMilliseconds((now + after).ToUnixTimeMilliseconds())
            : null,
        Default = policy.Default == Answer.Deny ? null : policy.Default,
    };

    /// <summary>The arguments as people read them: in the schema's order, whatever order the model chose.</summary>
    private static JsonElement? Shown(ToolCall call, ToolDefinition? tool) =>
        ArgumentOrder.Of(call.Part.Arguments, tool?.Schema ?? default);

    /// <summary>Of two different people one is not the starter, whoever that was.</summary>
    private static int NeededBy(RunState state, ApprovalPolicy policy) =>
        policy.FourEyes && Starters(state) is null ? Math.Max(2, policy.Approvers) : policy.Approvers;

    private static string[]? Starters(RunState state) =>
        ((string?[])[state.Started.By, state.Started.User]).OfType<string>().Distinct(StringComparer.Ordinal).ToArray()
            is { Length: > 0 } known
                ? known
                : null;

    private static string FailureCode(ModelFailed failure) => failure.Failure switch
    {
        ModelFailure.Authentication => Reasons.ModelAuthentication,
        ModelFailure.InvalidRequest => Reasons.ModelRequestInvalid,
        ModelFailure.ContextTooLong => Reasons.ContextTooLong,
        ModelFailure.Refused => Reasons.ModelRefused,
        _ => Reasons.ModelUnavailable,
    };

    private static string Show(TimeSpan time) => time.ToString("g", CultureInfo.InvariantCulture);
}
