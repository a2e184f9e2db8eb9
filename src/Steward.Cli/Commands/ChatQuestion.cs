using Steward.Journal;
using Steward.Tools;

namespace Steward.Cli.Commands;

/// <summary>An answer as somebody typed it.</summary>
internal sealed record ChatAnswer(Answer Answer, string? Result = null, string? Note = null);

/// <summary>A question of a run in a conversation: how it is asked, and how a typed line is read as its answer. Pure.</summary>
internal sealed record ChatQuestion(QuestionAsked Question)
{
    /// <summary>The JSON Schema that an answer has to have; null for any words.</summary>
    public string? Shape => Question.Schema is { } schema ? $"  (JSON Schema of the answer: {ArgumentText.Write(schema)})" : null;

    public string Prompt => Question.Kind is QuestionKind.UserInput or QuestionKind.HandOff ? "? " : $"? [{Expected}] ";

    public string Expected => Question.Kind switch
    {
        QuestionKind.Approval or QuestionKind.Plan => "y, n REASON, or stop",
        QuestionKind.OutcomeUnknown => "happened RESULT, not, or stop",
        QuestionKind.Quarantine => "y or n",
        _ => "some words",
    };

    /// <summary>Null when the line is no answer to this question.</summary>
    public ChatAnswer? Read(string line)
    {
        string text = line.Trim();
        string[] words = text.Split(' ', 2, StringSplitOptions.TrimEntries);
        string? rest = words is [_, { Length: > 0 } more] ? more : null;
        return (Question.Kind, words[0].ToLowerInvariant()) switch
        {
            (QuestionKind.UserInput or QuestionKind.HandOff, _) => text.Length == 0 ? null : new(Answer.Reply, Result: text),
            (_, "stop") => new(Answer.Stop, Note: rest),
            (QuestionKind.Approval or QuestionKind.Plan, "y" or "yes") => new(Answer.Approve, Note: rest),
            (QuestionKind.Approval or QuestionKind.Plan, "n" or "no") => new(Answer.Deny, Note: rest),
            (QuestionKind.OutcomeUnknown, "happened") => new(Answer.Happened, Result: rest),
            (QuestionKind.OutcomeUnknown, "not") => new(Answer.DidNotHappen, Note: rest),
            (QuestionKind.Quarantine, "y" or "yes") => new(Answer.Continue),
            (QuestionKind.Quarantine, "n" or "no") => new(Answer.Stop, Note: rest),
            _ => null,
        };
    }
}
