using Steward.Journal;

namespace Steward.Models;

/// <summary>A run was not started: no model of its agent's route takes one of its attachments.</summary>
public sealed class AttachmentRefusedException : StewardException
{
    internal AttachmentRefusedException(string mediaType, string agent, IEnumerable<(string Model, string Type)> refusals)
        : base(
            $"No model of the agent '{agent}' takes this request, so nothing was started: {string.Join("; ", refusals.Select(r => $"{r.Model} takes no attachment of the type '{r.Type}'"))}. Send it as text or as another type, or add a model to the route that takes it.") =>
        MediaType = mediaType;

    /// <summary>The media type that the first model of the route does not take.</summary>
    public string MediaType { get; }
}
