using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Cli.Rendering;

/// <summary>What commands write as JSON. Names are part of the contract with scripts: see docs/cli.md.</summary>
internal static class Documents
{
    public static JsonObject Of(RunInfo run) => new()
    {
        ["run"] = run.Run.ToString(),
        ["status"] = run.Status.Name(),
        ["reason"] = run.Reason,
        ["agent"] = run.Agent,
        ["agent_version"] = run.AgentVersion,
        ["tenant"] = run.Tenant,
        ["user"] = run.User,
        ["session"] = run.Session,
        ["labels"] = new JsonObject(run.Labels.Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value))),
        ["sequence"] = run.Sequence,
        ["worker"] = run.Worker,
        ["created_at"] = Time(run.CreatedAt),
        ["updated_at"] = Time(run.UpdatedAt),
        ["spent"] = Of(run.Spent),
        ["reserved"] = Of(run.Reserved),
    };

    public static JsonObject Of(BudgetAmount amount) => new()
    {
        ["usd"] = amount.Usd,
        ["tokens"] = amount.Tokens,
        ["model_calls"] = amount.ModelCalls,
        ["tool_calls"] = amount.ToolCalls,
    };

    public static JsonObject Of(BudgetCeilings ceilings) => new()
    {
        ["usd"] = ceilings.Usd,
        ["tokens"] = ceilings.Tokens,
        ["model_calls"] = ceilings.ModelCalls,
        ["tool_calls"] = ceilings.ToolCalls,
    };

    public static JsonObject Of(QuestionAsked question) => new()
    {
        ["id"] = question.Id,
        ["kind"] = EventLines.Word(question.Kind.ToString()),
        ["text"] = question.Text,
    };

    public static JsonObject Of(QuestionInfo question) => new()
    {
        ["id"] = question.Id,
        ["run"] = question.Run.ToString(),
        ["tenant"] = question.Tenant,
        ["agent"] = question.Agent,
        ["kind"] = EventLines.Word(question.Kind.ToString()),
        ["status"] = EventLines.Word(question.Status.ToString()),
        ["text"] = question.Text,
        ["tool"] = question.Tool,
        ["arguments"] = question.Arguments is { } arguments ? JsonNode.Parse(arguments.GetRawText()) : null,
        ["edited"] = question.IsEdited,
        ["schema"] = question.Schema is { } schema ? JsonNode.Parse(schema.GetRawText()) : null,
        ["binding"] = question.Binding,
        ["policy"] = question.Policy,
        ["needed"] = question.Needed,
        ["roles"] = new JsonArray([.. question.Roles.Select(r => (JsonNode)r)]),
        ["assignee"] = question.Assignee,
        ["asked_at"] = Time(question.AskedAt),
        ["expires_at"] = question.ExpiresAt is { } expires ? Time(expires) : null,
        ["default"] = question.ExpiresAt is null ? null : EventLines.Word(question.Default.ToString()),
        ["votes"] = new JsonArray([.. question.Votes.Select(v => (JsonNode)new JsonObject { ["by"] = v.By, ["answer"] = EventLines.Word(v.Answer.ToString()), ["at"] = Time(v.At), ["note"] = v.Note })]),
    };

    public static JsonObject Of(RunState state, bool content = true) => new()
    {
        ["run"] = state.Run.ToString(),
        ["status"] = state.Status.Name(),
        ["reason"] = state.Reason,
        ["output"] = content ? RunSummary.OutputOf(state) : null,
        ["message"] = RunSummary.MessageOf(state),
        ["proved_by"] = new JsonArray([.. ((state.Outcome as RunCompleted)?.ProvedBy ?? []).Select(p => (JsonNode)(content ? p : p.Split(':')[0]))]),
        ["questions"] = new JsonArray([.. state.Questions.Select(q => (JsonNode)Of(q))]),
        ["spent"] = Of(state.Spent),
        ["ceilings"] = Of(state.Started.Ceilings),
        ["turns"] = state.Turn,
    };

    /// <summary>An entry of a journal; without its content, only what it is about.</summary>
    public static JsonObject Of(JournalEntry entry, RunState before, bool content)
    {
        EventLine line = EventLines.Describe(before, entry, content: false);
        var document = new JsonObject
        {
            ["sequence"] = entry.Sequence,
            ["time"] = Time(entry.Time),
            ["event"] = entry.Type,
            ["text"] = line.Text,
        };
        if (line.Cost is { } cost)
            document["settled"] = Of(cost);
        if (content)
            document["data"] = JsonNode.Parse(entry.Payload.Span);
        return document;
    }

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}
