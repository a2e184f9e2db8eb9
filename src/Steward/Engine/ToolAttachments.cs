using System.Globalization;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Names and leaves out what a call brought and no model of the agent's route takes, before its result is recorded.</summary>
/// <remarks>
/// A part stays where one model of the executor's route takes it together with every attachment that the conversation has. The choice is in
/// <c>tool.returned</c>, so a replay or a later catalogue does not make it again.
/// </remarks>
internal sealed class ToolAttachments(ModelRouter router)
{
    private const long Kilo = 1_024;

    /// <summary>The event with the parts that some model takes; a line in its text for each of the others.</summary>
    public RunEvent Fit(RunSession session, RunEvent result)
    {
        if (result is not ToolReturned { Content: { Count: > 0 } content } returned)
            return result;
        IReadOnlyList<ModelTarget> route = session.Agent.RouteOf(ModelRole.Executor).Targets;
        IReadOnlyList<ModelTarget> able = AttachmentCheck.Able(router, route, Pending(session.State));
        List<ContentPart> kept = [];
        string text = returned.Result;
        foreach (ContentPart part in content)
        {
            ModelTarget[] takers = [.. able.Where(target => AttachmentCheck.Takes(router, target, part))];
            if (takers.Length == 0)
            {
                text = ToolContents.LeaveOut(text, part, $"[{NameOf(part)}, left out: {Refusal(route, part)}]");
                continue;
            }

            able = takers;
            kept.Add(part);
        }

        return kept.Count == content.Count ? returned : returned with { Result = text, Content = kept.Count == 0 ? null : kept };
    }

    /// <summary>What the next request has: the conversation, and what waits for the last result of this turn.</summary>
    private static IEnumerable<ChatMessage> Pending(RunState state)
    {
        IEnumerable<ChatMessage> messages = state.Conversation.Messages.Concat(state.Queued);
        return MessageMapper.Returned(state.Calls) is { } returned ? messages.Append(returned) : messages;
    }

    private string Refusal(IReadOnlyList<ModelTarget> route, ContentPart part)
    {
        string models = string.Join(", ", route.Select(t => $"'{t.Provider}/{t.Model}'"));
        if (route.Any(target => AttachmentCheck.Takes(router, target, part)))
            return $"no model of {models} takes it together with the attachments before it.";
        return route.Count == 1 ? $"the model {models} does not take it." : $"none of the models {models} takes it.";
    }

    private static string NameOf(ContentPart part) => part switch
    {
        DataPart data => $"{KindOf(data.MediaType)} of {SizeOf(data.Data.LongLength)} ({data.MediaType})",
        BlobPart blob => $"{KindOf(blob.MediaType)} of {SizeOf(blob.Length)} ({blob.MediaType})",
        UriPart uri => $"{KindOf(uri.MediaType)} at {uri.Uri} ({uri.MediaType})",
        _ => "A part of an unknown kind",
    };

    private static string KindOf(string mediaType) =>
        MediaTypes.IsImage(mediaType) ? "An image"
        : MediaTypes.IsPdf(mediaType) ? "A document"
        : MediaTypes.IsAudio(mediaType) ? "A recording"
        : "A file";

    private static string SizeOf(long bytes) => bytes switch
    {
        < Kilo => string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"),
        < Kilo * Kilo => string.Create(CultureInfo.InvariantCulture, $"{(bytes + (Kilo / 2)) / Kilo} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (decimal)(Kilo * Kilo):0.0} MiB"),
    };
}
