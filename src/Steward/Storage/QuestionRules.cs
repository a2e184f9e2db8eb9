using Steward.Journal;

namespace Steward.Storage;

/// <summary>The rules of questions, apart from any database: every store loads the same row and asks the same questions.</summary>
public static class QuestionRules
{
    /// <summary>Who is named as the decider of a question whose time was up.</summary>
    public const string Expiry = "expiry";

    /// <summary>The row for a question that a run of a tenant and agent asks.</summary>
    public static QuestionInfo Open(RunId run, string tenant, string agent, QuestionAsked asked, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(asked);
        return new QuestionInfo
        {
            Run = run,
            Id = asked.Id,
            Tenant = tenant,
            Agent = agent,
            Kind = asked.Kind,
            Text = asked.Text,
            Tool = asked.Tool,
            Arguments = asked.Arguments,
            Schema = asked.Schema,
            Binding = asked.Binding,
            Policy = asked.Policy,
            Needed = Math.Max(1, asked.Needed),
            Roles = asked.Roles ?? [],
            Assignee = asked.Assignee,
            NotBy = asked.NotBy,
            AskedAt = now,
            ExpiresAt = asked.ExpiresAt,
            Default = asked.Default ?? Answer.Deny,
        };
    }

    /// <summary>Takes a decision. A signal that comes out goes into the run's inbox in the same transaction.</summary>
    public static DecisionResult Decide(QuestionInfo question, Decision decision, DateTimeOffset now, out Signal? signal)
    {
        ArgumentNullException.ThrowIfNull(question);
        ArgumentNullException.ThrowIfNull(decision);
        signal = null;
        if (decision.Tenant is { } tenant && tenant != question.Tenant)
            return DecisionResult.Unknown;
        // A person's decision may bear any id, also the runtime's: that must not keep the question from expiring.
        if (question.Votes.Any(v => v.Id == decision.Id && (v.By == Expiry) == decision.IsExpiry))
            return new(DecisionStatus.Duplicate, question);
        if (question.Status != QuestionStatus.Open)
            return new(Closed(question.Status), question);
        if (question.ExpiresAt <= now)
        {
            QuestionInfo expired = Close(
                question, new Vote(Expiry, Expiry, question.Default, now, Binding: question.Binding), QuestionStatus.Expired);
            signal = SignalOf(expired, Expiry, null, null);
            return new(DecisionStatus.Expired, expired);
        }

        if (decision.IsExpiry)
            return new(DecisionStatus.NotDue, question);
        return Check(question, decision) is { } refused ? new(refused, question) : Count(question, decision, now, out signal);
    }

    /// <summary>Gives an open question to somebody else. A signal that comes
    /// out goes into the run's inbox in the same transaction.</summary>
    /// <remarks>Who may not decide may not name who does: else roles and assignees would bind nobody.</remarks>
    public static DecisionResult Reassign(QuestionInfo question, Reassignment reassignment, DateTimeOffset now, out Signal? signal)
    {
        ArgumentNullException.ThrowIfNull(question);
        ArgumentNullException.ThrowIfNull(reassignment);
        signal = null;
        if (reassignment.Tenant is { } tenant && tenant != question.Tenant)
            return DecisionResult.Unknown;
        if (question.Handovers.Any(h => h.Id == reassignment.Id))
            return new(DecisionStatus.Duplicate, question);
        if (question.Status != QuestionStatus.Open)
            return new(Closed(question.Status), question);
        if (question.ExpiresAt <= now)
            return new(DecisionStatus.Expired, question);
        if (!reassignment.IsOverride && !IsFor(question, reassignment.By, reassignment.ByRoles, mayTakeBack: true))
            return new(DecisionStatus.NotAllowed, question);
        if (question.Needed > 1 && reassignment.Assignee is not null)
            return new(DecisionStatus.SeveralNeeded, question);
        signal = new Signal(
            reassignment.Id,
            question.Run,
            new ReassignSignal(question.Id, reassignment.By, reassignment.Assignee, reassignment.Roles, reassignment.IsOverride));
        return new(DecisionStatus.Accepted, question with
        {
            Assignee = reassignment.Assignee,
            Roles = reassignment.Roles ?? question.Roles,
            Handovers =
            [
                .. question.Handovers,
                new Handover(reassignment.Id, reassignment.By, now, reassignment.Assignee, reassignment.Roles, reassignment.IsOverride),
            ],
        });
    }

    /// <summary>Closes what a run no longer waits for.</summary>
    public static QuestionInfo Withdraw(QuestionInfo question, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(question);
        return question with { Status = QuestionStatus.Withdrawn, ClosedAt = now };
    }

    /// <summary>Whether a batch may close questions of its run, so that <see cref="Follow"/> needs those that are open.</summary>
    public static bool MayClose(RunBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.Status.IsTerminal() || batch.Entries.Any(static entry => entry.Event is QuestionAnswered);
    }

    /// <summary>Keeps questions in step with a batch: what it asks, and what its run no longer waits for.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="run">The run that it is of.</param>
    /// <param name="open">The run's open questions; none where the batch <see cref="MayClose">closes</see> nothing.</param>
    /// <param name="now">The store's time.</param>
    public static QuestionChanges Follow(RunBatch batch, RunRecord run, IReadOnlyList<QuestionInfo> open, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(open);
        List<QuestionInfo>? asked = null;
        HashSet<string>? answered = null;
        foreach (JournalEntry entry in batch.Entries)
        {
            if (entry.Event is QuestionAsked question)
                (asked ??= []).Add(Open(run.Run, run.Tenant, run.Agent, question, now));
            else if (entry.Event is QuestionAnswered answer)
                (answered ??= new HashSet<string>(StringComparer.Ordinal)).Add(answer.Id);
        }

        if (asked is null && open.Count == 0)
            return QuestionChanges.None;
        return new QuestionChanges(
            [.. (asked ?? []).Select(question => IsClosed(question) ? Withdraw(question, now) : question)],
            [.. open.Where(IsClosed).Select(question => Withdraw(question, now))]);

        bool IsClosed(QuestionInfo question) => batch.Status.IsTerminal() || answered?.Contains(question.Id) == true;
    }

    /// <summary>Whether an answer is one that the kind of question takes.</summary>
    public static bool Fits(QuestionKind kind, Answer answer) => answer == Answer.Stop || kind switch
    {
        QuestionKind.OutcomeUnknown => answer is Answer.Happened or Answer.DidNotHappen,
        QuestionKind.Approval or QuestionKind.Plan => answer is Answer.Approve or Answer.Deny,
        QuestionKind.UserInput or QuestionKind.HandOff => answer is Answer.Reply or Answer.Deny,
        _ => answer is Answer.Continue,
    };

    /// <summary>Whether a question is for a person to decide: its assignee; without one, a person with one of its roles; without roles,
    /// anybody.</summary>
    /// <param name="question">The question.</param>
    /// <param name="by">The person.</param>
    /// <param name="roles">The person's roles.</param>
    /// <param name="mayTakeBack">Whether those with a role may as well, although it was given to one person.</param>
    private static bool IsFor(QuestionInfo question, string by, IReadOnlyCollection<string> roles, bool mayTakeBack = false) =>
        question.Assignee is { } assignee
            ? assignee == by || mayTakeBack && question.Roles.Any(roles.Contains)
            : question.Roles.Count == 0 || question.Roles.Any(roles.Contains);

    /// <summary>Names are compared without their case and the white space around them: a person stays the same in capitals.</summary>
    private static bool IsExcluded(QuestionInfo question, string by) =>
        question.NotBy?.Any(name => string.Equals(name.Trim(), by.Trim(), StringComparison.OrdinalIgnoreCase)) == true;

    private static DecisionStatus? Check(QuestionInfo question, Decision decision)
    {
        if (!IsFor(question, decision.By, decision.Roles))
            return DecisionStatus.NotAllowed;
        if (!Fits(question.Kind, decision.Answer))
            return DecisionStatus.NotAnAnswer;
        if (decision.Answer == Answer.Approve && IsExcluded(question, decision.By))
            return DecisionStatus.FourEyes;
        if (decision.Binding is { } seen && seen != question.Binding)
            return DecisionStatus.Changed;
        string? binding = decision.Arguments is null ? question.Binding : decision.ArgumentsBinding;
        bool again = decision.Answer == Answer.Approve && Approvals(question, binding).Any(v => v.By == decision.By);
        return again ? DecisionStatus.AlreadyVoted : null;
    }

    /// <summary>One approval of several needed only counts; anything else decides. Edited
    /// arguments are another question: earlier approvals do not hold for them.</summary>
    private static DecisionResult Count(QuestionInfo question, Decision decision, DateTimeOffset now, out Signal? signal)
    {
        signal = null;
        QuestionInfo asked = decision is { Answer: Answer.Approve, Arguments: { } edited }
            ? question with { Arguments = edited, IsEdited = true, Binding = decision.ArgumentsBinding }
            : question;
        var vote = new Vote(decision.Id, decision.By, decision.Answer, now, decision.Note, asked.Binding);
        string[] approvers = [.. Approvals(asked, asked.Binding).Select(v => v.By)];
        if (decision.Answer == Answer.Approve && approvers.Length + 1 < asked.Needed)
            return new(DecisionStatus.Counted, asked with { Votes = [.. asked.Votes, vote] });
        QuestionInfo decided = Close(asked, vote, QuestionStatus.Decided);
        signal = SignalOf(
            decided,
            decision.Answer == Answer.Approve ? string.Join(", ", approvers.Append(decision.By)) : decision.By,
            decision.Result,
            decision.Note,
            decision.Trace);
        return new(DecisionStatus.Accepted, decided);
    }

    /// <summary>The approvals that hold for a binding.</summary>
    private static IEnumerable<Vote> Approvals(QuestionInfo question, string? binding) =>
        question.Votes.Where(v => v.Answer == Answer.Approve && v.Binding == binding);

    private static QuestionInfo Close(QuestionInfo question, Vote vote, QuestionStatus status) =>
        question with { Votes = [.. question.Votes, vote], Status = status, Answer = vote.Answer, ClosedAt = vote.At };

    /// <summary>What the run is told. An approval, also the one by default, is of the arguments as they stand.</summary>
    private static Signal SignalOf(QuestionInfo question, string by, string? result, string? note, TraceContext? trace = null) => new(
        $"answer:{question.Id}",
        question.Run,
        new AnswerSignal(question.Id, question.Answer!.Value, by, result, note)
        {
            Arguments = question is { Answer: Answer.Approve, IsEdited: true } ? question.Arguments : null,
            Binding = question.Binding,
            Trace = trace,
        });

    private static DecisionStatus Closed(QuestionStatus status) => status switch
    {
        QuestionStatus.Expired => DecisionStatus.Expired,
        QuestionStatus.Withdrawn => DecisionStatus.Withdrawn,
        _ => DecisionStatus.AlreadyDecided,
    };
}

/// <summary>What a batch does to the questions of its run.</summary>
/// <param name="Asked">The rows that are new.</param>
/// <param name="Withdrawn">The rows that are closed by it, as they are then.</param>
public sealed record QuestionChanges(IReadOnlyList<QuestionInfo> Asked, IReadOnlyList<QuestionInfo> Withdrawn)
{
    /// <summary>Nothing.</summary>
    public static QuestionChanges None { get; } = new([], []);
}
