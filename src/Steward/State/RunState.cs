using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.Storage;

namespace Steward.State;

/// <summary>A run's state: the fold of its journal. Pure: no clock, no I/O,
/// no randomness; the same entries give the same state anywhere.</summary>
public sealed record RunState
{
    /// <summary>The version of this fold; snapshots of another one are not used.</summary>
    public const int FoldVersion = 5;

    private static readonly RunStarted s_nothing = new() { Agent = "", AgentVersion = "", DefinitionHash = "", Tenant = "", Input = [] };

    /// <summary>The run.</summary>
    public RunId Run { get; init; }

    /// <summary>The last sequence folded in.</summary>
    public long Sequence { get; init; }

    /// <summary>The chain's hash at that sequence.</summary>
    public ReadOnlyMemory<byte> Head { get; init; } = JournalEntry.Origin;

    /// <summary>The time of that entry.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>What was asked.</summary>
    public RunStarted Started { get; init; } = s_nothing;

    /// <summary>When.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Where the run stands.</summary>
    public RunStatus Status { get; init; }

    /// <summary>Why it stands there.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The epoch of the last claim.</summary>
    public long Epoch { get; init; }

    /// <summary>Answers of the model so far: the iterations of the loop.</summary>
    public int Turn { get; init; }

    /// <summary>Attempts made at the next turn.</summary>
    public int Attempt { get; init; }

    /// <summary>The model call in flight, if any.</summary>
    public ModelCall? Model { get; init; }

    /// <summary>The failure after which nothing was left to try, if that happened.</summary>
    public ModelFailed? GaveUp { get; init; }

    /// <summary>The outage that the run waits out, or waited for, until a model answers again.</summary>
    public ModelOutage? Outage { get; init; }

    /// <summary>The tool calls of the last answer, until each has its result.</summary>
    public ImmutableArray<ToolCall> Calls { get; init; } = [];

    /// <summary>The model's answer that no tool call follows, until something is said after it.</summary>
    public string? Answer { get; init; }

    /// <summary>Why the last answer stopped, as the provider said.</summary>
    public string? Finish { get; init; }

    /// <summary>Whether the last answer held neither text nor a call, and nothing was said since.</summary>
    public bool IsEmptyAnswer { get; init; }

    /// <summary>Answers in a row that used up the output limit without a word or a call.</summary>
    public int OutOfRoom { get; init; }

    /// <summary>The last text that the model said, for a partial result.</summary>
    public string? LastText { get; init; }

    /// <summary>The round of validation, from 1 with the first answer.</summary>
    public int Round { get; init; }

    /// <summary>This round's verdicts.</summary>
    public ImmutableArray<VerdictGiven> Verdicts { get; init; } = [];

    /// <summary>The answer of a side call that nobody has read yet, if there is one.</summary>
    public SideAnswer? Side { get; init; }

    /// <summary>The conversation as the next request shows it.</summary>
    public Conversation Conversation { get; init; } = new();

    /// <summary>The last turn for which the context sources were asked and knew something.</summary>
    public int ContextTurn { get; init; }

    /// <summary>What tool sources offer to this run, by source, in the order in which they first did.</summary>
    public ImmutableArray<ToolsOffered> Offers { get; init; } = [];

    /// <summary>Turns with a mistake of the model, in a row.</summary>
    public int Mistakes { get; init; }

    /// <summary>Why the run is wrapping up, if it is.</summary>
    public string? WrapUp { get; init; }

    /// <summary>The turn after which it began to wrap up.</summary>
    public int WrapUpTurn { get; init; }

    /// <summary>Questions that nobody has answered yet.</summary>
    public ImmutableArray<QuestionAsked> Questions { get; init; } = [];

    /// <summary>Children that have not ended.</summary>
    public ImmutableArray<ChildStarted> Children { get; init; } = [];

    /// <summary>All children that were ever started.</summary>
    public ImmutableArray<RunId> Descent { get; init; } = [];

    /// <summary>What children that have ended spent.</summary>
    public BudgetAmount ChildrenSpent { get; init; }

    /// <summary>The plan and how far it got, in planned mode.</summary>
    public PlanState Planning { get; init; } = PlanState.None;

    /// <summary>Who wants the run to stop, if anybody does.</summary>
    public CancelRequested? Cancel { get; init; }

    /// <summary>The answer by which a person ended the run, if one did.</summary>
    public QuestionAnswered? StoppedBy { get; init; }

    /// <summary>The ceiling that last refused an intent.</summary>
    public BudgetRefused? Refused { get; init; }

    /// <summary>What the run has spent.</summary>
    public BudgetAmount Spent { get; init; }

    /// <summary>What its calls in flight hold reserved.</summary>
    public BudgetAmount Reserved { get; init; }

    /// <summary>Time spent in <c>awaiting</c>, up to the last time it was left.</summary>
    public TimeSpan Awaited { get; init; }

    /// <summary>The terminal event, once there is one.</summary>
    [JsonIgnore]
    public RunEvent? Outcome { get; init; }

    /// <summary>All tool calls that have their result.</summary>
    [JsonIgnore]
    public IReadOnlyList<CompletedCall> Completed => CompletedCalls;

    [JsonInclude]
    internal AppendList<CompletedCall> CompletedCalls { get; init; } = AppendList<CompletedCall>.Empty;

    /// <summary>Messages that arrived while tool calls were open; they follow the results.</summary>
    [JsonInclude]
    internal ImmutableArray<ChatMessage> Queued { get; init; } = [];

    /// <summary>How often each very same call brought the very same result.</summary>
    [JsonInclude]
    internal ImmutableDictionary<string, Repeat> Repeats { get; init; } = ImmutableDictionary<string, Repeat>.Empty;

    /// <summary>Signals that came in before anything waited for them, by name.</summary>
    [JsonInclude]
    internal ImmutableDictionary<string, string> Received { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>The rules by which the worker of this epoch decides; see <see cref="ToolOrder"/>.</summary>
    [JsonInclude]
    internal int Rules { get; init; }

    /// <summary>Hashes of this run's and its children's calls that failed.</summary>
    [JsonInclude]
    internal ImmutableArray<string> FailedCalls { get; init; } = [];

    /// <summary>Hashes of the blobs that hold whole results of this run's calls.</summary>
    [JsonInclude]
    internal ImmutableArray<string> ResultBlobs { get; init; } = [];

    [JsonInclude]
    internal DateTimeOffset AwaitingSince { get; init; }

    [JsonInclude]
    internal int MistakeTurn { get; init; } = -1;

    /// <summary>The state before the first entry.</summary>
    public static RunState Empty(RunId run) => new() { Run = run };

    /// <summary>Folds one entry in.</summary>
    /// <exception cref="JournalException">The entry does not follow: a gap,
    /// another run's, or an event that cannot be in this state.</exception>
    public RunState Apply(JournalEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Run != Run)
            throw new JournalException(
                $"Entry {entry.Sequence} belongs to run {entry.Run}, not to {Run}.") { Run = Run, Sequence = entry.Sequence };
        if (entry.Sequence != Sequence + 1)
            throw JournalException.Gap(Run, Sequence + 1, entry.Sequence);
        if (Status.IsTerminal() && Outcome is not null)
            throw Illegal(entry.Sequence, entry.Type, "the run has ended");
        (BudgetAmount spent, BudgetAmount reserved) = Settled(entry);
        return Apply(entry.Event, entry.Time) with
        {
            Sequence = entry.Sequence,
            Head = entry.Hash,
            Time = entry.Time,
            Spent = spent,
            Reserved = reserved,
        };
    }

    /// <summary>Whether a run of this agent goes by a plan. A step of a plan does not, nor a task for which the planner wanted none, nor
    /// one that wraps up.</summary>
    public bool IsPlanned(AgentDefinition agent)
    {
        ArgumentNullException.ThrowIfNull(agent);
        return agent.Planning is not null && !Planning.IsDirect && Started.Parent?.Step is null && WrapUp is null;
    }

    /// <summary>Whether the entry at a sequence was copied from the run that this one was forked from.</summary>
    public bool IsCopied(long sequence) => sequence <= Started.Origin?.Copied;

    /// <summary>The open call at a position, if it is there.</summary>
    public ToolCall? FindCall(int turn, int index) =>
        index >= 0 && index < Calls.Length && Calls[index].Turn == turn ? Calls[index] : null;

    /// <summary>The open question of that id, if it is there.</summary>
    public QuestionAsked? FindQuestion(string id)
    {
        foreach (QuestionAsked question in Questions)
        {
            if (question.Id == id)
                return question;
        }

        return null;
    }

    /// <summary>The offer that a tool came with; null for a tool of the agent's own.</summary>
    public ToolsOffered? OfferOf(string tool)
    {
        foreach (ToolsOffered offer in Offers)
        {
            if (offer.Tools.Contains(tool, StringComparer.Ordinal))
                return offer;
        }

        return null;
    }

    /// <summary>Time since the start that counts against a wall-time ceiling.</summary>
    public TimeSpan Active(DateTimeOffset now) =>
        now - StartedAt - Awaited - (Status == RunStatus.Awaiting ? now - AwaitingSince : TimeSpan.Zero);

    /// <summary>When the run goes on by itself, if it does: a question expires, or a wait is over.</summary>
    [JsonIgnore]
    public DateTimeOffset? NextDue
    {
        get
        {
            DateTimeOffset? due = null;
            foreach (QuestionAsked question in Questions)
                due = Earlier(due, question.ExpiresAt);
            foreach (ToolCall call in Calls)
                due = Earlier(due, call.Status == ToolCallStatus.Waiting ? call.WaitUntil : null);
            return due;
        }
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null ? b : b is null || a < b ? a : b;

    private (BudgetAmount Spent, BudgetAmount Reserved) Settled(JournalEntry entry)
    {
        if (IsCopied(entry.Sequence))
            return (Spent, Reserved); // The run that this one was forked from paid for it.
        if (entry.Event is StateChanged or RunClaimed or GuidanceAdded)
            return (Spent, Reserved);
        List<BudgetChange> changes = new(1);
        BudgetLedger.Collect(this, entry.Event, entry.Time, changes);
        BudgetAmount spent = Spent, reserved = Reserved;
        foreach (BudgetChange change in changes)
        {
            spent += change.Spend;
            reserved = reserved - change.Release + change.Reserve;
        }

        return (spent, reserved);
    }

    private RunState Apply(RunEvent runEvent, DateTimeOffset time) => runEvent switch
    {
        RunStarted e =>
            Say(MessageMapper.User(e.Input)) with { Started = e, StartedAt = time, Status = RunStatus.Planning, Reason = Reasons.Started },
        RunClaimed e => Claimed(e),
        StateChanged e => Changed(e, time),
        MessageReceived e => MessageIn(e),
        GuidanceAdded e => Guided(e),
        ModelStarted e => this with { Model = new ModelCall(e, time, Lost: false), Attempt = e.Attempt },
        ModelReturned e => Answered(e),
        ModelFailed e => NotAnswered(e),
        ToolStarted e => Begun(e, time),
        ToolReturned e => Returned(e),
        ToolFailed e => Failed(e),
        ToolRejected e => Rejected(e),
        ToolResolved e => Resolved(e),
        QuestionAsked e => Asked(e),
        QuestionAnswered e => QuestionClosed(e),
        SignalIgnored => this,
        QuestionReassigned e => Reassigned(e),
        ChildStarted e => Delegated(e),
        ChildEnded e => ChildReturned(e),
        WaitStarted e => Waiting(e),
        WaitEnded e => Done(Open(e.Turn, e.Index, "wait.ended"), e.Result, isError: false),
        SignalReceived e => Signalled(e),
        PlanMade e => this with { Answer = null, Planning = Planning.With(e) },
        ContextEvent e => Informed(e) with { Side = null },
        ToolsOffered e => this with { Offers = [.. Offers.Where(o => o.Source != e.Source), e] },
        RunMigrated e => this with { Started = Started with { AgentVersion = e.AgentVersion, DefinitionHash = e.DefinitionHash } },
        VerdictGiven e => this with { Round = e.Round, Verdicts = e.Round == Round ? Verdicts.Add(e) : [e], Side = null, GaveUp = null },
        BudgetRefused e => this with { Refused = e },
        BudgetAlerted => this,
        CancelRequested e => this with { Cancel = Cancel ?? e },
        RunCompleted e => Ended(e, RunStatus.Completed),
        RunFailed e => Ended(e, RunStatus.Failed),
        RunCancelled e => Ended(e, RunStatus.Cancelled),
        _ => throw new InvalidOperationException($"Unknown event '{runEvent.GetType().Name}'."),
    };

    private RunState Claimed(RunClaimed e) => this with
    {
        Epoch = e.Epoch,
        Rules = e.Rules,
        Model = Model is { } model ? model with { Lost = true } : null,
        Calls = Calls.Any(c => c.Status == ToolCallStatus.Started)
            ? [.. Calls.Select(c => c.Status == ToolCallStatus.Started ? c with { Status = ToolCallStatus.Lost } : c)]
            : Calls,
    };

    private RunState Changed(StateChanged e, DateTimeOffset time) => this with
    {
        Status = e.To,
        Reason = e.Reason,
        AwaitingSince = e.To == RunStatus.Awaiting ? time : AwaitingSince,
        Awaited = e.From == RunStatus.Awaiting ? Awaited + (time - AwaitingSince) : Awaited,
        Outage = e is { To: RunStatus.Awaiting, Reason: Reasons.ModelUnavailable }
            ? new ModelOutage(Outage?.Since ?? time, Attempt, (Outage?.Waits ?? 0) + 1) { Why = e.Detail }
            : Outage,
    };

    private RunState MessageIn(MessageReceived e)
    {
        ChatMessage message = MessageMapper.User(e.Input);
        return Calls.IsEmpty ? Say(message) with { Answer = null } : this with { Queued = Queued.Add(message) };
    }

    private RunState Guided(GuidanceAdded e)
    {
        RunState next = Say(MessageMapper.User(e.Text)) with { Answer = null };
        return e.Reason switch
        {
            Guidance.EmptyAnswer or Guidance.Truncated or Guidance.MissingCall => next.Mistaken(),
            Guidance.VerdictFailed => next with { Verdicts = [] },
            Guidance.WrapUp => next with { WrapUp = e.Text, WrapUpTurn = Turn },
            Guidance.PlanWanted or Guidance.BadPlan or Guidance.NoPlan or Guidance.Reflect or Guidance.StepsDone =>
                next with { Planning = Planning.With(e.Reason), Verdicts = [] },
            _ => next,
        };
    }

    private RunState Answered(ModelReturned e)
    {
        if (Model?.Intent is { } intent && SideCall.PurposeOf(intent) is { } purpose)
            return this with
            {
                Model = null,
                GaveUp = null,
                Outage = null,
                Turn = e.Turn,
                Attempt = 0,
                Side = new SideAnswer(purpose, TextOf(e), null),
            };
        ImmutableArray<ToolCall> calls =
            [.. e.Content.OfType<CallPart>().Select((part, index) => new ToolCall { Turn = e.Turn, Index = index, Part = part })];
        string text = TextOf(e);
        bool paused = e.Finish == FinishReasons.Paused && calls.IsEmpty && e.Content.Count > 0;
        bool isAnswer = calls.IsEmpty && text.Length > 0 && !paused;
        bool isEmpty = calls.IsEmpty && text.Length == 0 && !paused;
        RunState next = e.Content.Count == 0 ? this : Say(MessageMapper.Assistant(e.Content));
        return next with
        {
            Model = null,
            GaveUp = null,
            Outage = null,
            Turn = e.Turn,
            Attempt = 0,
            Calls = calls,
            Answer = isAnswer ? text : null,
            Side = null,
            Finish = e.Finish,
            IsEmptyAnswer = isEmpty,
            OutOfRoom = isEmpty && e.Finish == FinishReasons.Length ? OutOfRoom + 1 : 0,
            LastText = text.Length > 0 ? text : LastText,
            Round = isAnswer ? Round + 1 : Round,
            Verdicts = [],
            Mistakes = MistakeTurn == Turn ? Mistakes : 0,
            Conversation = e.Usage is { } usage ? next.Conversation.Counted(usage) : next.Conversation,
        };
    }

    private RunState NotAnswered(ModelFailed e)
    {
        RunState next = this with { Model = null, Attempt = e.Attempt, LastText = e.Partial ?? LastText };
        if (!e.Final)
            return next with { GaveUp = null };
        return Model?.Intent is { } intent && SideCall.PurposeOf(intent) is { } purpose
            ? next with { GaveUp = null, Side = new SideAnswer(purpose, null, e) }
            : next with { GaveUp = e };
    }

    private static string TextOf(ModelReturned e) => string.Concat(e.Content.OfType<TextPart>().Select(t => t.Text));

    private RunState Begun(ToolStarted e, DateTimeOffset time)
    {
        ToolCall call = Open(e.Turn, e.Index, "tool.started");
        return With(call with
        {
            Status = ToolCallStatus.Started,
            Intent = e,
            StartedAt = time,
            FirstStartedAt = call.Intent is null ? time : call.FirstStartedAt,
            Reserved = e.Reserved,
            Cleared = false,
            Probed = false,
        });
    }

    private RunState Returned(ToolReturned e)
    {
        ToolCall call = Open(e.Turn, e.Index, "tool.returned");
        RunState next = e.Blob is null ? this : this with { ResultBlobs = ResultBlobs.Add(e.Blob) };
        return next.Count(call, e.Result).Done(call with { Content = e.Content }, e.Result, isError: false);
    }

    private RunState Failed(ToolFailed e)
    {
        ToolCall call = Open(e.Turn, e.Index, "tool.failed");
        return e.Failure == ToolFailure.OutcomeUnknown
            ? With(call with { Status = ToolCallStatus.Lost, Reserved = BudgetAmount.Zero })
            : Done(call, e.Message, isError: true) with
            {
                FailedCalls = FailedCalls.Add(RepeatKey(call.Intent!.Name, call.Intent.ArgumentsHash)),
            };
    }

    private RunState Rejected(ToolRejected e)
    {
        ToolCall call = Open(e.Turn, e.Index, "tool.rejected");
        bool mistake = e.Reason is not (ToolRejection.Budget or ToolRejection.Denied or ToolRejection.WrapUp);
        return (mistake ? Mistaken() : this).Done(call, e.Message, isError: true);
    }

    private RunState Resolved(ToolResolved e)
    {
        ToolCall call = Open(e.Turn, e.Index, "tool.resolved");
        return e.Outcome switch
        {
            EffectOutcome.Happened =>
                Count(call, e.Result ?? "").Done(call with { Reserved = BudgetAmount.Zero }, e.Result ?? "", isError: false),
            EffectOutcome.DidNotHappen =>
                With(call with { Status = ToolCallStatus.Requested, Cleared = true, Reserved = BudgetAmount.Zero }),
            _ => With(call with { Probed = true }),
        };
    }

    private RunState Asked(QuestionAsked e)
    {
        RunState next = this with { Questions = Questions.Add(e) };
        if (e.Kind is QuestionKind.Quarantine or QuestionKind.Plan)
            return next;
        ToolCall call = Open(e.Turn, e.Index, "question.asked");
        return next.With(
            call with { Status = ToolCallStatus.Asked, ApprovalsAsked = call.ApprovalsAsked + (e.Kind == QuestionKind.Approval ? 1 : 0) });
    }

    private RunState QuestionClosed(QuestionAnswered e)
    {
        QuestionAsked question = FindQuestion(e.Id) ?? throw Illegal(Sequence + 1, "question.answered", $"no question '{e.Id}' is open");
        RunState next = this with { Questions = Questions.Remove(question), StoppedBy = e.Answer == Journal.Answer.Stop ? e : StoppedBy };
        if (question.Kind == QuestionKind.Quarantine || e.Answer == Journal.Answer.Stop)
            return next;
        if (question.Kind == QuestionKind.Plan)
            return next with { Planning = Planning.With(e) };
        ToolCall call = Open(question.Turn, question.Index, "question.answered");
        return e.Answer switch
        {
            Journal.Answer.Happened =>
                next.Count(call, e.Result ?? "").Done(call with { Reserved = BudgetAmount.Zero }, e.Result ?? "", isError: false),
            Journal.Answer.DidNotHappen =>
                next.With(call with { Status = ToolCallStatus.Requested, Cleared = true, Reserved = BudgetAmount.Zero }),
            Journal.Answer.Approve => next.With(Approved(call, question, e)),
            Journal.Answer.Reply => next.Done(call, e.Result ?? "", isError: false),
            Journal.Answer.Deny when question.Kind != QuestionKind.Approval => next.Done(call, Unanswered(question, e), isError: true),
            _ => next.Done(call, Refusal(e), isError: true),
        };
    }

    /// <summary>What the approval is bound to comes from the question, or
    /// with the edit: never from what the run has become since.</summary>
    private static ToolCall Approved(ToolCall call, QuestionAsked question, QuestionAnswered e)
    {
        ToolCall approved = call with
        {
            Status = ToolCallStatus.Requested,
            ApprovedBinding = question.Binding,
            ApprovedPolicy = question.Policy,
        };
        return e.Arguments is { } edited
            ? approved with { Part = call.Part with { Arguments = edited }, IsEdited = true, ApprovedBinding = e.Binding }
            : approved;
    }

    private static string Refusal(QuestionAnswered e)
    {
        if (e.By == QuestionRules.Expiry)
            return "Nobody approved this call in time, so it was not made.";
        return e.Note is { Length: > 0 } note ? $"A person refused this call: {note}" : "A person refused this call.";
    }

    private static string Unanswered(QuestionAsked question, QuestionAnswered e)
    {
        string what = question.Kind == QuestionKind.HandOff ? "The task was not taken over" : "The question was not answered";
        return e.By == QuestionRules.Expiry
            ? $"{what}: nobody did in time."
            : $"{what} by {e.By}{(e.Note is { Length: > 0 } note ? $": {note}" : ".")}";
    }

    private RunState Reassigned(QuestionReassigned e)
    {
        QuestionAsked question = FindQuestion(e.Id) ?? throw Illegal(Sequence + 1, "question.reassigned", $"no question '{e.Id}' is open");
        return this with
        {
            Questions = Questions.Replace(question, question with { Assignee = e.Assignee, Roles = e.Roles ?? question.Roles }),
        };
    }

    private RunState Delegated(ChildStarted e)
    {
        RunState next = this with { Children = Children.Add(e), Descent = Descent.Add(e.Child) };
        return e.Step is not null
            ? next with { Planning = Planning.With(e) }
            : next.With(Open(e.Turn, e.Index, "child.started") with { Status = ToolCallStatus.Delegated });
    }

    private RunState ChildReturned(ChildEnded e)
    {
        ChildStarted child = Children.FirstOrDefault(c => c.Child == e.Child)
            ?? throw Illegal(Sequence + 1, "child.ended", $"run {e.Child} is no open child");
        RunState next = this with
        {
            Children = Children.Remove(child),
            ChildrenSpent = IsCopied(Sequence + 1) ? ChildrenSpent : ChildrenSpent + e.Spent,
            FailedCalls = e.FailedCalls is { } failed ? FailedCalls.Union(failed, StringComparer.Ordinal).ToImmutableArray() : FailedCalls,
        };
        if (child.Step is { } step)
            return next with { Planning = Planning.With(step, e) };
        ToolCall call = Open(child.Turn, child.Index, "child.ended");
        return e.Status == RunStatus.Completed
            ? next.Done(call with { HandedBack = child.HandOff ? e.Output : null }, e.Output ?? "", isError: false)
            : next.Done(
                call,
                $"The agent '{child.Agent}' did not complete ({e.Status}): {e.Reason}{(e.Output is { Length: > 0 } partial ? $"\nWhat there is of an answer: {partial}" : "")}",
                isError: true);
    }

    private RunState Waiting(WaitStarted e)
    {
        ToolCall call = Open(e.Turn, e.Index, "wait.started") with
        {
            Status = ToolCallStatus.Waiting,
            WaitUntil = e.Until,
            WaitFor = e.SignalName,
        };
        return e.SignalName is { } name && Received.TryGetValue(name, out string? payload)
            ? (this with { Received = Received.Remove(name) }).Done(call, payload, isError: false)
            : With(call);
    }

    private RunState Signalled(SignalReceived e)
    {
        foreach (ToolCall call in Calls)
        {
            if (call.Status == ToolCallStatus.Waiting && call.WaitFor == e.Name)
                return Done(call, e.Payload ?? $"The signal '{e.Name}' came.", isError: false);
        }

        return this with { Received = Received.SetItem(e.Name, e.Payload ?? $"The signal '{e.Name}' came.") };
    }

    private RunState Informed(ContextEvent context) => context switch
    {
        HistoryAdded e =>
            this with
            {
                Conversation = Conversation.Of([.. MessageMapper.History(e), MessageMapper.User(Started.Input)]),
            },
        ContextAdded { Turn: 0 } e => this with { Conversation = Conversation.SayBeforeLast(MessageMapper.Context(e)) },
        ContextAdded e => Say(MessageMapper.Context(e)) with { ContextTurn = e.Turn },
        _ => throw new InvalidOperationException($"Unknown context '{context.GetType().Name}'."),
    };

    private RunState Ended(RunEvent e, RunStatus status) =>
        this with { Outcome = e, Status = status, Model = null, Calls = [], Questions = [], Children = [] };

    private RunState Mistaken() => MistakeTurn == Turn ? this : this with { Mistakes = Mistakes + 1, MistakeTurn = Turn };

    private RunState Say(ChatMessage message) => this with
    {
        IsEmptyAnswer = false,
        Conversation = Conversation.Say(message),
    };

    /// <summary>Counts a call's result against the very same call before it.</summary>
    private RunState Count(ToolCall call, string result)
    {
        if (call.Intent is not { } intent)
            return this;
        string key = RepeatKey(intent.Name, intent.ArgumentsHash);
        int resultHash = StableHash(result);
        int count = Repeats.TryGetValue(key, out Repeat before) && before.ResultHash == resultHash ? before.Count + 1 : 1;
        return this with { Repeats = Repeats.SetItem(key, new Repeat(count, resultHash)) };
    }

    private RunState Done(ToolCall call, string result, bool isError)
    {
        if (call.IsEdited)
            result = $"(A person changed the arguments to {call.Part.Arguments?.GetRawText() ?? "{}"}.)\n{result}";
        var done = new CompletedCall(call.Turn, call.Index, call.Part.Name, call.Part.Arguments, result, isError, call.Intent is not null);
        ImmutableArray<ToolCall> calls = Calls.SetItem(
            call.Index, call with { Status = ToolCallStatus.Done, Result = result, IsError = isError, Reserved = BudgetAmount.Zero });
        RunState next = this with { Calls = calls, CompletedCalls = CompletedCalls.Add(done) };
        foreach (ToolCall other in calls)
        {
            if (other.Status != ToolCallStatus.Done)
                return next;
        }

        next = next.Say(MessageMapper.Results(calls)) with { Calls = [], Queued = [] };
        if (MessageMapper.Returned(calls) is { } content)
            next = next.Say(content);
        if (Queued.IsEmpty && calls.FirstOrDefault(c => c.HandedBack is { Length: > 0 }) is { HandedBack: { } answer })
            return next with { Answer = answer, LastText = answer, Finish = null, Round = Round + 1, Verdicts = [] };
        foreach (ChatMessage queued in Queued)
            next = next.Say(queued);
        return next;
    }

    private RunState With(ToolCall call) => this with { Calls = Calls.SetItem(call.Index, call) };

    private ToolCall Open(int turn, int index, string type) =>
        FindCall(turn, index) is { Status: not ToolCallStatus.Done } call
            ? call
            : throw Illegal(Sequence + 1, type, $"no call {turn}.{index} is open");

    private JournalException Illegal(long sequence, string type, string why) =>
        new($"The journal of run {Run} cannot have '{type}' at sequence {sequence}: {why}.") { Run = Run, Sequence = sequence };

    internal static string RepeatKey(string name, string argumentsHash) => $"{name}:{argumentsHash[..16]}";

    // FNV-1a: string.GetHashCode differs from process to process, and a fold must not.
    private static int StableHash(string text)
    {
        uint hash = 2166136261;
        foreach (char c in text)
            hash = (hash ^ c) * 16777619;
        return (int)hash;
    }

    internal readonly record struct Repeat(int Count, int ResultHash);
}
