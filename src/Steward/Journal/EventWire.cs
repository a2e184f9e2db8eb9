using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Steward.Journal;

/// <summary>The wire names of all events, and their JSON. Names and shapes
/// that were released never change: golden journals hold them.</summary>
public static class EventWire
{
    private static readonly (string Name, JsonTypeInfo Json)[] s_events =
    [
        ("run.started", EventJson.Default.RunStarted),
        ("run.claimed", EventJson.Default.RunClaimed),
        ("state.changed", EventJson.Default.StateChanged),
        ("message.received", EventJson.Default.MessageReceived),
        ("guidance.added", EventJson.Default.GuidanceAdded),
        ("model.started", EventJson.Default.ModelStarted),
        ("model.returned", EventJson.Default.ModelReturned),
        ("model.failed", EventJson.Default.ModelFailed),
        ("tool.started", EventJson.Default.ToolStarted),
        ("tool.returned", EventJson.Default.ToolReturned),
        ("tool.failed", EventJson.Default.ToolFailed),
        ("tool.rejected", EventJson.Default.ToolRejected),
        ("tool.resolved", EventJson.Default.ToolResolved),
        ("question.asked", EventJson.Default.QuestionAsked),
        ("question.answered", EventJson.Default.QuestionAnswered),
        ("question.reassigned", EventJson.Default.QuestionReassigned),
        ("child.started", EventJson.Default.ChildStarted),
        ("child.ended", EventJson.Default.ChildEnded),
        ("wait.started", EventJson.Default.WaitStarted),
        ("wait.ended", EventJson.Default.WaitEnded),
        ("signal.received", EventJson.Default.SignalReceived),
        ("plan.made", EventJson.Default.PlanMade),
        ("history.added", EventJson.Default.HistoryAdded),
        ("context.added", EventJson.Default.ContextAdded),
        ("tools.offered", EventJson.Default.ToolsOffered),
        ("run.migrated", EventJson.Default.RunMigrated),
        ("signal.ignored", EventJson.Default.SignalIgnored),
        ("verdict.given", EventJson.Default.VerdictGiven),
        ("budget.refused", EventJson.Default.BudgetRefused),
        ("budget.alert", EventJson.Default.BudgetAlerted),
        ("cancel.requested", EventJson.Default.CancelRequested),
        ("run.completed", EventJson.Default.RunCompleted),
        ("run.failed", EventJson.Default.RunFailed),
        ("run.cancelled", EventJson.Default.RunCancelled),
    ];

    private static readonly FrozenDictionary<string, JsonTypeInfo> s_byName = s_events.ToFrozenDictionary(e => e.Name, e => e.Json);
    private static readonly FrozenDictionary<Type, (string Name, JsonTypeInfo Json)> s_byType =
        s_events.ToFrozenDictionary(e => e.Json.Type);

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
            throw new JournalException(
                $"The journal holds an event '{name}' that this version of Steward does not know; run it with the newer version that wrote it.");
        try
        {
            return (RunEvent)JsonSerializer.Deserialize(payload, json)!;
        }
        catch (Exception e) when (e is not (OutOfMemoryException or JournalException))
        {
            // A converter, a constructor or a text that is none: whatever it throws, the payload is not one that was written here.
            throw new JournalException(
                $"The payload of an event '{name}' is not of its shape ({e.Message}); the journal was edited or damaged.",
                e);
        }
    }
}

// Deeper than what a model or a person may send, so that nothing is written here that cannot be read again.
[JsonSourceGenerationOptions(
    MaxDepth = 256,
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
[JsonSerializable(typeof(ContextAdded))]
[JsonSerializable(typeof(ToolsOffered))]
[JsonSerializable(typeof(RunMigrated))]
[JsonSerializable(typeof(SignalIgnored))]
[JsonSerializable(typeof(VerdictGiven))]
[JsonSerializable(typeof(BudgetRefused))]
[JsonSerializable(typeof(BudgetAlerted))]
[JsonSerializable(typeof(CancelRequested))]
[JsonSerializable(typeof(RunCompleted))]
[JsonSerializable(typeof(RunFailed))]
[JsonSerializable(typeof(RunCancelled))]
[JsonSerializable(typeof(Plan))]
[JsonSerializable(typeof(string))]
internal sealed partial class EventJson : JsonSerializerContext;
