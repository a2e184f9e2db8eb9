using Steward.Agents;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Asks an agent's sources; a replay answers from the journal instead.</summary>
internal interface IContextReader
{
    /// <summary>What the context sources know before a turn; 0 when the run opens.</summary>
    ValueTask<IReadOnlyList<ContextEvent>> ReadAsync(RunSession session, int turn);

    /// <summary>What a tool source offers; null when the run keeps what it has.</summary>
    /// <exception cref="ToolSourceException">The source does not answer.</exception>
    ValueTask<Offered?> OfferAsync(RunSession session, IToolSource source);

    /// <summary>Logs approval policies that name a tool that neither the agent nor its sources have.</summary>
    void LogPolicies(RunSession session);

    /// <summary>The tools of an offer that the run has.</summary>
    ValueTask<IReadOnlyList<OfferedTool>> ToolsAsync(ToolsOffered offer);
}

/// <summary>What a tool source offers.</summary>
/// <param name="Event">The fact.</param>
/// <param name="Tools">The tools that it names.</param>
/// <param name="Blob">The content to be kept; null when it is in the store already.</param>
internal sealed record Offered(ToolsOffered Event, IReadOnlyList<OfferedTool> Tools, Blob? Blob);

/// <summary>A tool source did not say what it offers.</summary>
internal sealed class ToolSourceException(string source, Exception inner)
    : StewardException($"The tool source '{source}' did not say what it offers: {inner.Message}", inner);
