using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.Journal;

namespace Steward.Storage;

/// <summary>A question to people (an approval request is one): a row of
/// its own, written in the transaction of the event that asks.</summary>
public sealed record QuestionInfo
{
    /// <summary>The run that waits for the answer.</summary>
    public required RunId Run { get; init; }

    /// <summary>The question's id within the run.</summary>
    public required string Id { get; init; }

    /// <summary>The run's tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The run's agent.</summary>
    public required string Agent { get; init; }

    /// <summary>What is asked.</summary>
    public required QuestionKind Kind { get; init; }

    /// <summary>The question in words.</summary>
    public required string Text { get; init; }

    /// <summary>The tool that is to be called, when it is about a call.</summary>
    public string? Tool { get; init; }

    /// <summary>The arguments of that call; after an edit, the edited ones.</summary>
    public JsonElement? Arguments { get; init; }

    /// <summary>Whether somebody edited the arguments.</summary>
    public bool IsEdited { get; init; }

    /// <summary>The JSON Schema of the reply, when one is asked for.</summary>
    public JsonElement? Schema { get; init; }

    /// <summary>SHA-256 of what is asked about: a decision that names another one is refused.</summary>
    public string? Binding { get; init; }

    /// <summary>The policy under which approval is asked for.</summary>
    public string? Policy { get; init; }

    /// <summary>How many different people must approve.</summary>
    public int Needed { get; init; } = 1;

    /// <summary>Who may decide: anybody with one of these roles. Empty for anybody.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>The one person who may decide, if it was assigned to one.</summary>
    public string? Assignee { get; init; }

    /// <summary>Who may not approve it: whoever started the run, under a policy of four eyes. Null for nobody.</summary>
    public IReadOnlyList<string>? NotBy { get; init; }

    /// <summary>When it was asked.</summary>
    public required DateTimeOffset AskedAt { get; init; }

    /// <summary>When it expires, by the store's clock; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The answer that an expired question gets.</summary>
    public Answer Default { get; init; } = Journal.Answer.Deny;

    /// <summary>Where it stands.</summary>
    public QuestionStatus Status { get; init; }

    /// <summary>The answer that closed it.</summary>
    public Answer? Answer { get; init; }

    /// <summary>When it was closed.</summary>
    public DateTimeOffset? ClosedAt { get; init; }

    /// <summary>Who gave it to whom, in order.</summary>
    public IReadOnlyList<Handover> Handovers { get; init; } = [];

    /// <summary>Who said what, in order; the last one of a decided question decided it.</summary>
    public IReadOnlyList<Vote> Votes { get; init; } = [];
}

/// <summary>Where a question stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<QuestionStatus>))]
public enum QuestionStatus
{
    /// <summary>It waits for an answer.</summary>
    [JsonStringEnumMemberName("open")] Open,

    /// <summary>People decided it.</summary>
    [JsonStringEnumMemberName("decided")] Decided,

    /// <summary>Nobody decided it in time.</summary>
    [JsonStringEnumMemberName("expired")] Expired,

    /// <summary>The run ended, or went on without it.</summary>
    [JsonStringEnumMemberName("withdrawn")] Withdrawn,
}

/// <summary>What one person said to a question.</summary>
/// <param name="Id">The decision's id.</param>
/// <param name="By">Who.</param>
/// <param name="Answer">What.</param>
/// <param name="At">When, by the store's clock.</param>
/// <param name="Note">Why.</param>
/// <param name="Binding">What it was said about: after an edit, what was said before counts no more.</param>
public sealed record Vote(string Id, string By, Answer Answer, DateTimeOffset At, string? Note = null, string? Binding = null);

/// <summary>A question given to somebody else.</summary>
/// <param name="Id">The reassignment's id.</param>
/// <param name="By">Who gave it away.</param>
/// <param name="At">When, by the store's clock.</param>
/// <param name="Assignee">The one who may decide from then on, if it was given to one.</param>
/// <param name="Roles">The roles that may decide from then on; null where they stayed.</param>
/// <param name="IsOverride">Whether an administrator gave away what others should have decided.</param>
public sealed record Handover(
    string Id,
    string By,
    DateTimeOffset At,
    string? Assignee,
    IReadOnlyList<string>? Roles,
    bool IsOverride = false);

/// <summary>A person's word on a question. The first decision wins.</summary>
public sealed record Decision
{
    /// <summary>The decider's id of this decision: sent again, it changes nothing.</summary>
    public required string Id { get; init; }

    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The question.</summary>
    public required string Question { get; init; }

    /// <summary>The answer.</summary>
    public required Answer Answer { get; init; }

    /// <summary>Who decides. The host has made sure of it.</summary>
    public required string By { get; init; }

    /// <summary>The roles that the decider bears. The host has made sure of them.</summary>
    public IReadOnlyCollection<string> Roles { get; init; } = [];

    /// <summary>Only for runs of this tenant, if set: of another one it is as if there were no such question.</summary>
    public string? Tenant { get; init; }

    /// <summary>The binding that the decider saw; null to take whatever is asked now.</summary>
    public string? Binding { get; init; }

    /// <summary>The result or reply that goes with the answer.</summary>
    public string? Result { get; init; }

    /// <summary>Arguments in place of those asked about, with <see cref="Answer.Approve"/>.</summary>
    public JsonElement? Arguments { get; init; }

    /// <summary>The binding of <see cref="Arguments"/>.</summary>
    public string? ArgumentsBinding { get; init; }

    /// <summary>The reason.</summary>
    public string? Note { get; init; }

    /// <summary>The decider's trace, if there is one.</summary>
    public TraceContext? Trace { get; init; }

    /// <summary>True when it is the runtime that reports that the time is up.</summary>
    public bool IsExpiry { get; init; }
}

/// <summary>What became of a decision.</summary>
public enum DecisionStatus
{
    /// <summary>It decided the question, and the run goes on with it; or the question is now somebody else's.</summary>
    Accepted,

    /// <summary>It counts, and more people are needed.</summary>
    Counted,

    /// <summary>The very same decision came in before; nothing changed.</summary>
    Duplicate,

    /// <summary>Somebody else was first: the question's last vote says who.</summary>
    AlreadyDecided,

    /// <summary>This person has approved already; somebody else is needed.</summary>
    AlreadyVoted,

    /// <summary>Its time was up; the default answer was given.</summary>
    Expired,

    /// <summary>It is not due to expire yet. Only said to the runtime.</summary>
    NotDue,

    /// <summary>The run has ended, or went on without it.</summary>
    Withdrawn,

    /// <summary>What is asked about is no longer what the decider saw.</summary>
    Changed,

    /// <summary>The person bears none of the roles, or it is assigned to somebody else.</summary>
    NotAllowed,

    /// <summary>The person started the run, and the policy asks for somebody else to approve.</summary>
    FourEyes,

    /// <summary>The answer does not fit the kind of question.</summary>
    NotAnAnswer,

    /// <summary>It needs several people, and cannot be given to one.</summary>
    SeveralNeeded,

    /// <summary>There is no such question.</summary>
    Unknown,
}

/// <summary>What became of a decision or a reassignment, and how the question stands after it.</summary>
public sealed record DecisionResult(DecisionStatus Status, QuestionInfo? Question)
{
    /// <summary>There is no such question.</summary>
    public static DecisionResult Unknown { get; } = new(DecisionStatus.Unknown, null);
}

/// <summary>Gives an open question to somebody else. Only those who may decide may also give away: its assignee, or a person with one of
/// its roles; anybody where it names neither.</summary>
/// <param name="Id">The sender's id: sent again, it changes nothing.</param>
/// <param name="Run">The run.</param>
/// <param name="Question">The question.</param>
/// <param name="By">Who reassigns.</param>
/// <param name="Assignee">The one who may decide from now on; null for anybody with the roles.</param>
/// <param name="Roles">The roles that may decide from now on; null to leave them.</param>
public sealed record Reassignment(string Id, RunId Run, string Question, string By, string? Assignee, IReadOnlyList<string>? Roles = null)
{
    /// <summary>The roles that <see cref="By"/> bears. The host has made sure of them.</summary>
    public IReadOnlyCollection<string> ByRoles { get; init; } = [];

    /// <summary>Only for runs of this tenant, if set: of another one it is as if there were no such question.</summary>
    public string? Tenant { get; init; }

    /// <summary>Whether an administrator gives away what others should decide.
    /// The host has made sure that it is one; the journal says so.</summary>
    public bool IsOverride { get; init; }
}

/// <summary>Which questions to find.</summary>
public sealed record QuestionQuery
{
    /// <summary>Only of this run.</summary>
    public RunId? Run { get; init; }

    /// <summary>Only this one.</summary>
    public string? Id { get; init; }

    /// <summary>Only of this tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>Only those that stand so; null for all.</summary>
    /// <value><see cref="QuestionStatus.Open"/>.</value>
    public QuestionStatus? Status { get; init; } = QuestionStatus.Open;

    /// <summary>At most so many, longest asked first.</summary>
    /// <value>100.</value>
    public int Limit { get; init; } = 100;
}
