using System.Text.Json.Serialization;
using Steward.Client.Contract;

namespace Steward.AspNetCore.Contract;

internal sealed record AgentList(IReadOnlyList<AgentDocument> Agents);

internal sealed record AgentDocument(string Agent, string Version);

/// <summary>What became of something that was sent to a run.</summary>
/// <param name="Run">The run.</param>
/// <param name="Result"><c>accepted</c>, or <c>duplicate</c> when the same key was there before.</param>
internal sealed record SentDocument(string Run, string Result);

/// <summary>An attachment that was taken: as a part of an input, of which the hash is enough.</summary>
internal sealed record BlobDocument(
    string Is,
    string Hash,
    [property: JsonPropertyName("mediaType")] string MediaType,
    long Length,
    int? Pages);

/// <summary>Questions, longest asked first.</summary>
internal sealed record ApprovalList(IReadOnlyList<QuestionDocument> Approvals, bool More);

/// <summary>A decision that was taken.</summary>
/// <param name="Status"><c>accepted</c>, <c>counted</c> (more people are
/// needed), or <c>duplicate</c> when the same key was there before.</param>
/// <param name="By">Who decided.</param>
/// <param name="Missing">How many more people must approve.</param>
/// <param name="Approval">The question as it stands now.</param>
internal sealed record DecisionDocument(string Status, string By, int Missing, QuestionDocument Approval);

/// <summary>A piece of an answer, or without a text: the pieces of that attempt count no more.</summary>
internal sealed record TextDocument(int Turn, int Attempt, string? Text = null);

/// <summary>Pieces of text that the stream was too slow for.</summary>
internal sealed record DroppedDocument(int Count);

internal sealed record ReadinessDocument(string Status, string? Reason = null);
