using System.Text.Json;
using Steward.Storage;

namespace Steward.AspNetCore.Contract;

/// <summary>What a run asks people. The names are those of <c>steward inbox --json</c>, but for the id: here it names the run too.</summary>
internal sealed record QuestionDocument
{
    /// <summary>The run and the question, as the routes take it: <c>RUN.QUESTION</c>.</summary>
    public required string Id { get; init; }

    public required string Run { get; init; }

    /// <summary>The question's id within the run.</summary>
    public required string Question { get; init; }

    public required string Tenant { get; init; }

    public required string Agent { get; init; }

    public required string Kind { get; init; }

    public required string Status { get; init; }

    public required string Text { get; init; }

    public string? Tool { get; init; }

    public JsonElement? Arguments { get; init; }

    public required bool Edited { get; init; }

    public JsonElement? Schema { get; init; }

    public string? Binding { get; init; }

    public string? Policy { get; init; }

    public required int Needed { get; init; }

    public required IReadOnlyList<string> Roles { get; init; }

    public string? Assignee { get; init; }

    public required string AskedAt { get; init; }

    public string? ExpiresAt { get; init; }

    public string? Default { get; init; }

    public string? Answer { get; init; }

    public required IReadOnlyList<VoteDocument> Votes { get; init; }

    public static QuestionDocument Of(QuestionInfo question) => new()
    {
        Id = $"{question.Run}.{question.Id}",
        Run = question.Run.ToString(),
        Question = question.Id,
        Tenant = question.Tenant,
        Agent = question.Agent,
        Kind = Wire.Word(question.Kind),
        Status = Wire.Word(question.Status),
        Text = question.Text,
        Tool = question.Tool,
        Arguments = question.Arguments,
        Edited = question.IsEdited,
        Schema = question.Schema,
        Binding = question.Binding,
        Policy = question.Policy,
        Needed = question.Needed,
        Roles = question.Roles,
        Assignee = question.Assignee,
        AskedAt = Wire.Time(question.AskedAt),
        ExpiresAt = question.ExpiresAt is { } at ? Wire.Time(at) : null,
        Default = question.ExpiresAt is null ? null : Wire.Word(question.Default),
        Answer = question.Answer is { } answer ? Wire.Word(answer) : null,
        Votes = [.. question.Votes.Select(v => new VoteDocument(v.By, Wire.Word(v.Answer), Wire.Time(v.At), v.Note))],
    };
}

internal sealed record VoteDocument(string By, string Answer, string At, string? Note);

/// <summary>Questions, longest asked first.</summary>
internal sealed record QuestionList(IReadOnlyList<QuestionDocument> Approvals, bool More);

/// <summary>A decision that was taken.</summary>
/// <param name="Status"><c>accepted</c>, <c>counted</c> (more people are needed), or <c>duplicate</c> when the same key was there before.</param>
/// <param name="By">Who decided.</param>
/// <param name="Missing">How many more people must approve.</param>
/// <param name="Approval">The question as it stands now.</param>
internal sealed record DecisionDocument(string Status, string By, int Missing, QuestionDocument Approval);
