using Steward.Agents;
using Steward.Journal;

namespace Steward.Models;

/// <summary>Refuses a request whose attachments no model of the agent's route takes, before anything is started or paid.</summary>
internal static class AttachmentCheck
{
    /// <exception cref="AttachmentRefusedException">No model of the executor's route takes all attachments.</exception>
    public static void ThrowIfRefused(ModelRouter router, AgentDefinition agent, IReadOnlyList<ContentPart> input)
    {
        (string Type, bool IsReference)[] attachments = [.. input.Select(Attachment).OfType<(string, bool)>()];
        if (attachments.Length == 0)
            return;
        var refusals = new List<(string Model, string Type)>();
        foreach (ModelTarget target in agent.RouteOf(ModelRole.Executor).Targets)
        {
            if (Array.Find(attachments, a => !Takes(router, target, a.Type, a.IsReference)) is not { Type: { } refused })
                return;
            refusals.Add(($"{target.Provider}/{target.Model}", refused));
        }

        throw new AttachmentRefusedException(refusals[0].Type, agent.Name, refusals);
    }

    private static (string Type, bool IsReference)? Attachment(ContentPart part) => part switch
    {
        DataPart data when !MediaTypes.IsText(data.MediaType) => (data.MediaType, false),
        BlobPart blob when !MediaTypes.IsText(blob.MediaType) => (blob.MediaType, false),
        UriPart uri => (uri.MediaType, true),
        _ => null,
    };

    private static bool Takes(ModelRouter router, ModelTarget target, string mediaType, bool isReference)
    {
        if (router.Catalog.Find(target.Provider, target.Model)?.Accepts is { } accepted
            && !accepted.Any(pattern => MediaTypes.Matches(mediaType, pattern)))
        {
            return false;
        }

        return router.SupportOf(target)?.Takes(mediaType, isReference) != false;
    }
}
