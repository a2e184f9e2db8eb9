using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Steward.Runs;

/// <summary>The wire names of all events, and their JSON. Names and shapes that were released never change: golden journals hold them.</summary>
public static class EventWire
{
    private static readonly (string Name, JsonTypeInfo Json)[] s_events =
    [
        ("run.started", StewardJson.Default.RunStarted),
        ("run.claimed", StewardJson.Default.RunClaimed),
        ("state.changed", StewardJson.Default.StateChanged),
        ("message.received", StewardJson.Default.MessageReceived),
        ("guidance.added", StewardJson.Default.GuidanceAdded),
        ("model.started", StewardJson.Default.ModelStarted),
        ("model.returned", StewardJson.Default.ModelReturned),
        ("model.failed", StewardJson.Default.ModelFailed),
        ("tool.started", StewardJson.Default.ToolStarted),
        ("tool.returned", StewardJson.Default.ToolReturned),
        ("tool.failed", StewardJson.Default.ToolFailed),
        ("tool.rejected", StewardJson.Default.ToolRejected),
        ("tool.resolved", StewardJson.Default.ToolResolved),
        ("question.asked", StewardJson.Default.QuestionAsked),
        ("question.answered", StewardJson.Default.QuestionAnswered),
        ("question.reassigned", StewardJson.Default.QuestionReassigned),
        ("child.started", StewardJson.Default.ChildStarted),
        ("child.ended", StewardJson.Default.ChildEnded),
        ("wait.started", StewardJson.Default.WaitStarted),
        ("wait.ended", StewardJson.Default.WaitEnded),
        ("signal.received", StewardJson.Default.SignalReceived),
        ("plan.made", StewardJson.Default.PlanMade),
        ("history.added", StewardJson.Default.HistoryAdded),
        ("run.migrated", StewardJson.Default.RunMigrated),
        ("signal.ignored", StewardJson.Default.SignalIgnored),
        ("verdict.given", StewardJson.Default.VerdictGiven),
        ("budget.refused", StewardJson.Default.BudgetRefused),
        ("budget.alert", StewardJson.Default.BudgetAlerted),
        ("cancel.requested", StewardJson.Default.CancelRequested),
        ("run.completed", StewardJson.Default.RunCompleted),
        ("run.failed", StewardJson.Default.RunFailed),
        ("run.cancelled", StewardJson.Default.RunCancelled),
    ];

    private static readonly FrozenDictionary<string, JsonTypeInfo> s_byName = s_events.ToFrozenDictionary(e => e.Name, e => e.Json);
    private static readonly FrozenDictionary<Type, (string Name, JsonTypeInfo Json)> s_byType = s_events.ToFrozenDictionary(e => e.Json.Type);

    /// <summary>All wire names.</summary>
    public static IReadOnlyCollection<string> Names => s_byName.Keys;

    /// <summary>The wire name of an event.</summary>
    public static string NameOf(RunEvent runEvent)
    {
        ArgumentNullException.ThrowIfNull(runEvent);
        return s_byType[runEvent.GetType()].Name;
    }

    /// <summary>Writes an event's payload.</summary>
    public static byte[] Write(RunEvent runEvent)
    {
        ArgumentNullException.ThrowIfNull(runEvent);
        return JsonSerializer.SerializeToUtf8Bytes(runEvent, s_byType[runEvent.GetType()].Json);
    }

    /// <summary>Reads an event's payload.</summary>
    /// <exception cref="JournalException">The name is unknown (a newer runtime wrote it), or the payload is not of its shape.</exception>
    public static RunEvent Read(string name, ReadOnlySpan<byte> payload)
    {
        if (!s_byName.TryGetValue(name, out JsonTypeInfo? json))
            throw new JournalException($"The journal holds an event '{name}' that this version of Steward does not know; run it with the newer version that wrote it.");
        try
        {
            return (RunEvent)JsonSerializer.Deserialize(payload, json)!;
        }
        catch (JsonException e)
        {
            throw new JournalException($"The payload of an event '{name}' is not of its shape ({e.Message}); the journal was edited or damaged.", e);
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(RunStarted))]
[JsonSerializable(typeof(RunClaimed))]
[JsonSerializable(typeof(StateChanged))]
[JsonSerializable(typeof(MessageReceived))]
[JsonSerializable(typeof(GuidanceAdded))]
[JsonSerializable(typeof(ModelStarted))]
[JsonSerializable(typeof(ModelReturned))]
[JsonSerializable(typeof(ModelFailed))]
[JsonSerializable(typeof(ToolStarted))]
[JsonSerializable(typeof(ToolReturned))]
[JsonSerializable(typeof(ToolFailed))]
[JsonSerializable(typeof(ToolRejected))]
[JsonSerializable(typeof(ToolResolved))]
[JsonSerializable(typeof(QuestionAsked))]
[JsonSerializable(typeof(QuestionAnswered))]
[JsonSerializable(typeof(QuestionReassigned))]
[JsonSerializable(typeof(ChildStarted))]
[JsonSerializable(typeof(ChildEnded))]
[JsonSerializable(typeof(WaitStarted))]
[JsonSerializable(typeof(WaitEnded))]
[JsonSerializable(typeof(SignalReceived))]
[JsonSerializable(typeof(PlanMade))]
[JsonSerializable(typeof(HistoryAdded))]
[JsonSerializable(typeof(RunMigrated))]
[JsonSerializable(typeof(SignalIgnored))]
[JsonSerializable(typeof(VerdictGiven))]
[JsonSerializable(typeof(BudgetRefused))]
[JsonSerializable(typeof(BudgetAlerted))]
[JsonSerializable(typeof(CancelRequested))]
[JsonSerializable(typeof(RunCompleted))]
[JsonSerializable(typeof(RunFailed))]
[JsonSerializable(typeof(RunCancelled))]
[JsonSerializable(typeof(Storage.SignalBody))]
[JsonSerializable(typeof(Storage.QuestionInfo))]
[JsonSerializable(typeof(Storage.Feedback))]
[JsonSerializable(typeof(Agents.AgentBlueprint))]
[JsonSerializable(typeof(Orchestration.Plan))]
[JsonSerializable(typeof(string))]
internal sealed partial class StewardJson : JsonSerializerContext;
