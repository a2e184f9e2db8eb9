using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.State;

namespace Steward.Models;

/// <summary>Which models of a route take an attachment: the catalogue says what a model reads, its client what its wire can send.</summary>
internal static class AttachmentCheck
{
    /// <summary>Refuses a request whose attachments no model of the agent's route takes, before anything is started or paid.</summary>
    /// <exception cref="AttachmentRefusedException">No model of the executor's route takes all attachments.</exception>
    public static void ThrowIfRefused(ModelRouter router, AgentDefinition agent, IReadOnlyList<ContentPart> input)
    {
        Kind[] attachments = [.. input.Select(KindOf).OfType<Kind>()];
        if (attachments.Length == 0)
            return;
        var refusals = new List<(string Model, string Type)>();
        foreach (ModelTarget target in agent.RouteOf(ModelRole.Executor).Targets)
        {
            if (!Array.Exists(attachments, a => !Takes(router, target, a)))
                return;
            refusals.Add(($"{target.Provider}/{target.Model}", Array.Find(attachments, a => !Takes(router, target, a)).MediaType));
        }

        throw new AttachmentRefusedException(refusals[0].Type, agent.Name, refusals);
    }

    /// <summary>Whether a model takes a part of a message; text it always does.</summary>
    public static bool Takes(ModelRouter router, ModelTarget target, ContentPart part) =>
        KindOf(part) is not { } attachment || Takes(router, target, attachment);

    /// <summary>The models of a route that take every attachment of some messages; all of them where there is none that does.</summary>
    public static IReadOnlyList<ModelTarget> Able(ModelRouter router, IReadOnlyList<ModelTarget> route, IEnumerable<ChatMessage> messages)
    {
        HashSet<Kind> attachments = [.. messages.SelectMany(m => m.Contents).Select(KindOf).OfType<Kind>()];
        if (attachments.Count == 0)
            return route;
        ModelTarget[] able = [.. route.Where(target => attachments.All(a => Takes(router, target, a)))];
        return able.Length == 0 ? route : able;
    }

    private static bool Takes(ModelRouter router, ModelTarget target, Kind attachment)
    {
        if (router.Catalog.Find(target.Provider, target.Model)?.Accepts is { } accepted
            && !accepted.Any(pattern => MediaTypes.Matches(attachment.MediaType, pattern)))
        {
            return false;
        }

        return router.SupportOf(target)?.Takes(attachment.MediaType, attachment.IsReference) != false;
    }

    private static Kind? KindOf(ContentPart part) => part switch
    {
        DataPart data when !MediaTypes.IsText(data.MediaType) => new(data.MediaType, false),
        BlobPart blob when !MediaTypes.IsText(blob.MediaType) => new(blob.MediaType, false),
        UriPart uri => new(uri.MediaType, true),
        _ => null,
    };

    private static Kind? KindOf(AIContent content) => content switch
    {
        DataContent data when !MediaTypes.IsText(data.MediaType) => new(data.MediaType, false),
        BlobContent blob when !MediaTypes.IsText(blob.Part.MediaType) => new(blob.Part.MediaType, false),
        UriContent uri => new(uri.MediaType, true),
        _ => null,
    };

    private readonly record struct Kind(string MediaType, bool IsReference);
}
