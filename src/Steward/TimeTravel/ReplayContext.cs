using Steward.Agents;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;

namespace Steward.TimeTravel;

/// <summary>Answers for an agent's sources with what was recorded; asks none of them.</summary>
internal sealed class ReplayContext(ReplayTape tape, IBlobStore blobs) : IContextReader
{
    public ValueTask<IReadOnlyList<ContextEvent>> ReadAsync(RunSession session, int turn)
    {
        List<ContextEvent> recorded = [];
        for (long sequence = session.State.Sequence + 1; tape.At(sequence) is ContextEvent next; sequence++)
            recorded.Add(next);
        return new(recorded);
    }

    public async ValueTask<Offered?> OfferAsync(RunSession session, IToolSource source) =>
        tape.At(session.State.Sequence + 1) is ToolsOffered offer && offer.Source == source.Name
            ? new Offered(offer, await ToolsAsync(offer), null)
            : null;

    public void LogPolicies(RunSession session)
    {
        // The run that is replayed has logged it.
    }

    public async ValueTask<IReadOnlyList<OfferedTool>> ToolsAsync(ToolsOffered offer) =>
        await blobs.GetAsync(offer.Hash) is { } json
            ? ToolOffer.Read(json)
            : throw new StewardException(
                $"The offer {offer.Hash} of the tool source '{offer.Source}' is not in the store, so the run cannot be replayed.");
}
