using System.Text.Json;
using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Client.Contract;

/// <summary>What a run asks people.</summary>
public sealed record QuestionDocument
{
    /// <summary>The id that the document's writer accepts: the commands take the one within the run, the HTTP API <c>RUN.QUESTION</c>.
    /// </summary>
    public required string Id { get; init; }

    /// <summary>The run that asks.</summary>
    public required string Run { get; init; }

    /// <summary>The question's id within the run.</summary>
    public required string Question { get; init; }

    /// <summary>The run's tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The run's agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Its kind, such as <c>approval</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Where it stands, such as <c>open</c>.</summary>
    public required string Status { get; init; }

    /// <summary>What is asked.</summary>
    public required string Text { get; init; }

    /// <summary>The tool whose call it is about.</summary>
    public string? Tool { get; init; }

    /// <summary>The call's arguments, whole.</summary>
    public JsonElement? Arguments { get; init; }

    /// <summary>The same arguments as lists show them, in the schema's order. Where one is shortened, a decision should follow only from
    /// <see cref="Arguments"/>, and carry <see cref="Binding"/>.</summary>
    public IReadOnlyList<ArgumentView>? ArgumentViews { get; init; }

    /// <summary>Whether somebody has edited the arguments.</summary>
    public required bool Edited { get; init; }

    /// <summary>The schema of a reply.</summary>
    public JsonElement? Schema { get; init; }

    /// <summary>A hash of what is asked about. A decision that carries it is refused once something else is asked.</summary>
    public string? Binding { get; init; }

    /// <summary>The approval policy that asks.</summary>
    public string? Policy { get; init; }

    /// <summary>How many people must approve.</summary>
    public required int Needed { get; init; }

    /// <summary>Roles that may decide; empty for anybody.</summary>
    public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>The one person who may decide.</summary>
    public string? Assignee { get; init; }

    /// <summary>When it was asked.</summary>
    public required string AskedAt { get; init; }

    /// <summary>When <see cref="Default"/> stands.</summary>
    public string? ExpiresAt { get; init; }

    /// <summary>The answer that stands once the time is up.</summary>
    public string? Default { get; init; }

    /// <summary>The answer that was given.</summary>
    public string? Answer { get; init; }

    /// <summary>Who has answered what, earliest first.</summary>
    public required IReadOnlyList<VoteDocument> Votes { get; init; }

    /// <summary>A question whose <see cref="Id"/> is the one within the run.</summary>
    public static QuestionDocument Of(QuestionInfo question)
    {
        ArgumentNullException.ThrowIfNull(question);
        return new()
        {
            Id = question.Id,
            Run = question.Run.ToString(),
            Question = question.Id,
            Tenant = question.Tenant,
            Agent = question.Agent,
            Kind = Wire.Word(question.Kind),
            Status = Wire.Word(question.Status),
            Text = TextOf(question),
            Tool = question.Tool,
            Arguments = question.Arguments,
            ArgumentViews = question.Arguments is { } arguments ? ArgumentView.Of(arguments) : null,
            Edited = question.IsEdited,
            Schema = question.Schema,
            Binding = question.Binding,
            Policy = question.Policy,
            Needed = question.Needed,
            Roles = question.Roles,
            Assignee = question.Assignee,
            AskedAt = Wire.Time(question.AskedAt),
            ExpiresAt = Wire.Time(question.ExpiresAt),
            Default = question.ExpiresAt is null ? null : Wire.Word(question.Default),
            Answer = question.Answer is { } answer ? Wire.Word(answer) : null,
            Votes = [.. question.Votes.Select(v => new VoteDocument(v.By, Wire.Word(v.Answer), Wire.Time(v.At), v.Note))],
        };
    }

    /// <summary>The question's words. Those of the journal name the arguments that were asked about first.</summary>
    private static string TextOf(QuestionInfo question) => question is { IsEdited: true, Kind: QuestionKind.Approval, Tool: { } tool }
        ? $"May '{tool}' be called with {ArgumentText.Write(question.Arguments)}?"
        : question.Text;
}

/// <summary>What somebody answered.</summary>
/// <param name="By">Who.</param>
/// <param name="Answer">What, such as <c>approve</c>.</param>
/// <param name="At">When.</param>
/// <param name="Note">Why.</param>
public sealed record VoteDocument(string By, string Answer, string At, string? Note);
