using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Cli.Rendering;

/// <summary>The shared documents as nodes, for commands that add something
/// of their own. Names are part of the contract with scripts.</summary>
internal static class Documents
{
    public static JsonObject Of(RunInfo run) => Node(RunDocument.Of(run), ContractJson.Complete<RunDocument>());

    public static JsonObject Of(BudgetAmount amount) => Node(AmountDocument.Of(amount), ContractJson.Complete<AmountDocument>());

    public static JsonObject Of(QuestionAsked question) => Node(AskedDocument.Of(question), ContractJson.Complete<AskedDocument>());

    public static JsonObject Of(QuestionInfo question) => Node(QuestionDocument.Of(question), ContractJson.Complete<QuestionDocument>());

    public static JsonObject Of(Feedback feedback) => Node(FeedbackDocument.Of(feedback), ContractJson.Complete<FeedbackDocument>());

    public static JsonObject Of(RunState state, bool content = true) =>
        Node(RunResultDocument.Of(state, content), ContractJson.Complete<RunResultDocument>());

    /// <summary>An entry of a journal; without its content, only what it is about.</summary>
    public static JsonObject Of(JournalEntry entry, RunState before, bool content)
    {
        EventLine line = EventLines.Describe(before, entry, content: false);
        AmountDocument? settled = line.Cost is { } cost ? AmountDocument.Of(cost) : null;
        return Node(EventDocument.Of(entry, content) with { Text = line.Text, Settled = settled }, ContractJson.Complete<EventDocument>());
    }

    private static JsonObject Node<T>(T document, JsonTypeInfo<T> type) => (JsonObject)JsonSerializer.SerializeToNode(document, type)!;
}
