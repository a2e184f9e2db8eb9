using Steward.Agents;
using Steward.Journal;

namespace Steward.Engine;

/// <summary>Notes what an agent's sources know and offer: facts, which become durable with the intent that follows them.</summary>
internal sealed class ContextStep(IContextReader reader)
{
    /// <summary>Why a run stepped aside, in its row.</summary>
    public const string ToolsUnavailable = Reasons.ToolsUnavailable;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Asks the context sources when a run opens.</summary>
    public async ValueTask OpenAsync(RunSession session)
    {
        foreach (ContextEvent found in await reader.ReadAsync(session, turn: 0))
            session.Note(found);
    }

    /// <summary>Gives the session's agent the tools that its sources offered to the run before.</summary>
    public async ValueTask RestoreAsync(RunSession session)
    {
        foreach (ToolsOffered offer in session.State.Offers)
        {
            if (session.Agent.ToolSources.FirstOrDefault(s => s.Name == offer.Source) is { } source)
                session.Offer(source, await reader.ToolsAsync(offer));
        }
    }

    /// <summary>Asks the tool sources and the context sources before a turn.</summary>
    /// <returns>Why the turn cannot begin; null when it can.</returns>
    public async ValueTask<StepResult?> BeforeTurnAsync(RunSession session)
    {
        try
        {
            if (session.Agent.ToolSources.Count > 0)
                await OfferAsync(session);
            int turn = session.State.Turn + 1;
            if (session.Agent.ContextSources.Count == 0 || session.State.ContextTurn == turn)
                return null;
            foreach (ContextEvent found in await reader.ReadAsync(session, turn))
                session.Note(found);
            return null;
        }
        catch (ToolSourceException)
        {
            return new StepResult.StepAside(ToolsUnavailable, session.Now + s_patience);
        }
        catch (OperationCanceledException) when (session.Interruption != Interruption.None)
        {
            return StepResult.Next.Instance;
        }
    }

    private async ValueTask OfferAsync(RunSession session)
    {
        bool changed = false;
        foreach (IToolSource source in session.Agent.ToolSources)
        {
            if (await reader.OfferAsync(session, source) is not { } offered)
                continue;
            session.Note(offered.Event, offered.Blob);
            session.Offer(source, offered.Tools);
            changed = true;
        }

        if (changed)
            reader.LogPolicies(session);
    }
}
