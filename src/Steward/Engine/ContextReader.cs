using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Asks an agent's sources for real: each within its time, each apart from the others.</summary>
internal sealed class ContextReader(IStewardStore store, IServiceProvider? services, TimeProvider time, ILogger logger) : IContextReader
{
    private static readonly TimeSpan s_offerTimeout = TimeSpan.FromSeconds(30);

    private readonly SessionHistory _history = new(store);

    public async ValueTask<IReadOnlyList<ContextEvent>> ReadAsync(RunSession session, int turn)
    {
        List<ContextEvent> found = [];
        if (turn == 0)
            found.AddRange(await _history.ReadAsync(Request(session, turn), session.Interrupted));
        foreach (IContextSource source in session.Agent.ContextSources)
        {
            try
            {
                found.AddRange(
                    await WithinAsync(source.Timeout, token => source.ReadAsync(Request(session, turn), token), session.Interrupted));
            }
            catch (Exception e) when (!session.Interrupted.IsCancellationRequested)
            {
                Log.ContextSourceFailed(logger, session.State.Run, source.Name, e);
            }
        }

        return found;
    }

    public async ValueTask<Offered?> OfferAsync(RunSession session, IToolSource source)
    {
        ToolsOffered? before = session.State.Offers.FirstOrDefault(o => o.Source == source.Name);
        int revision = source.Revision;
        bool isNew = session.Revisions.TryGetValue(source.Name, out int seen) && seen != revision;
        session.Revisions[source.Name] = revision;
        if (before is not null && !isNew)
            return null; // The run keeps the tools that it began with, until the source says that there are others.
        try
        {
            IReadOnlyList<OfferedTool> tools = await WithinAsync(
                s_offerTimeout, token => source.OfferAsync(Request(session, session.State.Turn + 1), token), session.Interrupted);
            IReadOnlyList<OfferedTool> usable = Usable(session, source, tools);
            Blob blob = ToolOffer.Write(usable);
            return blob.Hash == before?.Hash
                ? null
                : new Offered(new ToolsOffered(source.Name, blob.Hash, [.. usable.Select(t => t.Name)]), usable, blob);
        }
        catch (Exception e) when (!session.Interrupted.IsCancellationRequested)
        {
            Log.ToolSourceFailed(logger, session.State.Run, source.Name, e);
            return before is not null ? null : throw new ToolSourceException(source.Name, e);
        }
    }

    public void LogPolicies(RunSession session)
    {
        foreach (ApprovalPolicy policy in session.Agent.Approvals)
        {
            if (ApprovalChecks.UnknownName(policy, session.Agent.Tools) is { } unknown)
                Log.PolicyNamesNothing(logger, session.State.Run, policy.Name, unknown);
        }
    }

    public async ValueTask<IReadOnlyList<OfferedTool>> ToolsAsync(ToolsOffered offer) =>
        await store.GetAsync(offer.Hash) is { } json
            ? ToolOffer.Read(json)
            : throw new JournalException(
                $"The offer {offer.Hash} of the tool source '{offer.Source}' is not in the store. Restore the database from a backup.");

    /// <summary>What can be shown to a model: a tool whose name or schema is not usable, or taken, is left out and logged.</summary>
    private List<OfferedTool> Usable(RunSession session, IToolSource source, IReadOnlyList<OfferedTool> tools)
    {
        List<OfferedTool> usable = [];
        HashSet<string> taken =
        [
            ResultReader.Tool.Name,
            .. session.Agent.Tools.Select(t => t.Name).Where(name => session.State.OfferOf(name)?.Source != source.Name),
        ];
        foreach (OfferedTool tool in tools)
        {
            try
            {
                _ = tool.Define(source);
                if (taken.Add(tool.Name))
                    usable.Add(tool);
                else
                    Log.ToolHidden(logger, session.State.Run, source.Name, tool.Name);
            }
            catch (ArgumentException e)
            {
                Log.ToolUnusable(logger, session.State.Run, source.Name, tool.Name, e);
            }
        }

        return usable;
    }

    private ContextRequest Request(RunSession session, int turn) =>
        new() { Agent = session.Agent, State = session.State, Turn = turn, Services = services };

    private async ValueTask<T> WithinAsync<T>(TimeSpan limit, Func<CancellationToken, ValueTask<T>> ask, CancellationToken interrupted)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, interrupted);
        return await ask(linked.Token).AsTask().WaitAsync(linked.Token);
    }
}
