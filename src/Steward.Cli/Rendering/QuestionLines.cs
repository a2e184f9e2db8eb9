using System.Globalization;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Cli.Rendering;

/// <summary>Questions in words.</summary>
internal static class QuestionLines
{
    /// <summary>Who may decide, and how many it takes.</summary>
    public static string Who(QuestionInfo question)
    {
        string who = question.Assignee ?? (question.Roles.Count == 0 ? "anybody" : string.Join(" or ", question.Roles));
        if (question.Needed <= 1)
            return who;
        int approved = Approvals(question);
        return string.Create(CultureInfo.InvariantCulture, $"{who}, {approved} of {question.Needed}");
    }

    /// <summary>How many people have approved what is asked now.</summary>
    public static int Approvals(QuestionInfo question) =>
        question.Votes.Count(v => v.Answer == Answer.Approve && v.Binding == question.Binding);

    /// <summary>How far an approval is that needs several people.</summary>
    public static string Counted(QuestionInfo question)
    {
        int missing = question.Needed - Approvals(question);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Counted: {Approvals(question)} of {question.Needed} people have approved {question.Id}; {missing} more {(missing == 1 ? "is" : "are")} needed.");
    }

    /// <summary>What it is about, in a few words.</summary>
    public static string What(QuestionInfo question) => question.Tool is { } tool && question.Arguments is { } arguments
        ? $"{tool} with {ArgumentText.Write(arguments, ArgumentText.Shown).Text}{(question.IsEdited ? " (edited)" : "")}"
        : Output.Excerpt(question.Text, 80);

    public static string Age(TimeSpan age) => age switch
    {
        { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, (int)age.TotalSeconds)}s"),
        { TotalHours: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalMinutes}m"),
        { TotalDays: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalHours}h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalDays}d"),
    };

    public static string Expiry(QuestionInfo question, DateTimeOffset now) => question.ExpiresAt is not { } at ? "never"
        : at <= now ? $"now: {Word(question.Default)}"
        : $"in {Age(at - now)}: {Word(question.Default)}";

    /// <summary>Why a decision, or a reassignment, was not taken, and who was first.</summary>
    public static string Refusal(DecisionResult result, string by, bool reassigns = false) => (result.Status, result.Question) switch
    {
        (DecisionStatus.AlreadyDecided, { Votes: [.., var first] }) =>
            $"{first.By} was first: '{result.Question.Id}' was answered with {Word(first.Answer)} at {Show.Moment(first.At)}{(first.Note is { Length: > 0 } note ? $" ({note})" : "")}, and the first decision counts.",
        (DecisionStatus.Expired, { } q) =>
            $"The time for '{q.Id}' was up at {Show.Moment(q.ExpiresAt ?? default)}: {Word(q.Default)} stands.",
        (DecisionStatus.AlreadyVoted, { } q) =>
            $"'{by}' has approved '{q.Id}' already; {q.Needed - Approvals(q)} more of {q.Needed} different people are needed. --by says who decides.",
        (DecisionStatus.FourEyes, { } q) =>
            $"'{by}' started the run of '{q.Id}', and its policy asks for somebody else to approve. --by says who decides.",
        (DecisionStatus.NotAllowed, { } q) when reassigns =>
            $"'{by}' may not give '{q.Id}' away: it is for {Who(q)}. --by and --as say who gives it away; --override does it as an administrator.",
        (DecisionStatus.SeveralNeeded, { } q) =>
            $"'{q.Id}' needs {q.Needed} different people, so it cannot be given to one. Give it to a role with --role.",
        (DecisionStatus.NotAllowed, { } q) =>
            $"'{by}' may not decide '{q.Id}': it is for {Who(q)}. --by and --role say who decides; 'steward inbox reassign' gives it to somebody else.",
        (DecisionStatus.Changed, { } q) => $"What '{q.Id}' asks about has changed since: {What(q)}. Look again with 'steward inbox'.",
        (DecisionStatus.Withdrawn, { } q) => $"The run has ended or went on without an answer to '{q.Id}'.",
        (DecisionStatus.NotAnAnswer, { } q) => $"'{q.Id}' is a question of the kind {Word(q.Kind)}, which this does not answer.",
        _ => "There is no such question.",
    };

    private static string Word<T>(T value)
        where T : struct, Enum => Wire.Word(value).Replace('_', ' ');
}
