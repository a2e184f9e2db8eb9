using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.JsonSchemas;
using Steward.Tools;

namespace Steward.State;

/// <summary>What the gate says of a call that a model asked for: either it may start, or the model is told precisely why not.</summary>
internal readonly record struct ToolAdmission(ToolStarted? Started, ToolRejected? Rejected);

/// <summary>Checks a tool call before anything starts: name, arguments, repetition. Pure.</summary>
internal static class ToolGate
{
    private static readonly JsonElement s_noArguments = JsonElement.Parse("{}");

    public static ToolAdmission Check(RunState state, AgentDefinition agent, ToolCall call)
    {
        if (call.Status == ToolCallStatus.Lost)
        {
            return agent.FindTool(call.Part.Name) is { } lost
                ? Admit(state, lost, call, call.Intent!.ArgumentsHash)
                : Reject(
                    call,
                    ToolRejection.UnknownTool,
                    $"The result of '{call.Part.Name}' was lost, and the tool is no longer there, so it was not called again. Go on without it.");
        }

        if (state.WrapUp is not null)
            return Reject(call, ToolRejection.WrapUp, "Tools are off: the run is wrapping up. Answer with what you have.");
        if (state.IsPlanned(agent))
            return Reject(
                call,
                ToolRejection.WrapUp,
                "Tools are off here: the steps of the plan use them. Answer with what was asked for.");
        if (call.Part.DuplicateId)
            return Reject(
                call,
                ToolRejection.DuplicateId,
                $"Another call of the same message had the id of this one, so this call of '{call.Part.Name}' was not made. Make it again under an id of its own if it is still needed.");
        if (state.Finish == FinishReasons.Length)
            return Reject(
                call,
                ToolRejection.Truncated,
                $"Your message was cut off at its maximum length, so none of its calls was made, this one of '{call.Part.Name}' included. Make it again, alone and with shorter arguments.");
        if (call.Index >= agent.Limits.CallsPerMessage)
            return Reject(
                call,
                ToolRejection.TooMany,
                string.Create(CultureInfo.InvariantCulture,
                    $"At most {agent.Limits.CallsPerMessage} calls are made per message; this one was not. Ask for it in the next message."));
        if (agent.FindTool(call.Part.Name) is not { } tool)
            return Reject(call, ToolRejection.UnknownTool, UnknownTool(agent, call.Part.Name));
        JsonElement arguments = Arguments(call, tool);
        if (CheckArguments(call, tool, arguments) is { } invalid)
            return new ToolAdmission(null, invalid);
        if (tool.Kind == ToolKind.Agent && CheckFamily(state, agent, call) is { } tooMany)
            return new ToolAdmission(null, tooMany);
        string argumentsHash = CanonicalJson.Sha256Hex(arguments);
        return CheckRepeat(state, tool, call, argumentsHash) is { } repeated
            ? new ToolAdmission(null, repeated)
            : Admit(state, tool, call, argumentsHash);
    }

    /// <summary>The arguments as the tool gets them: an optional property that is null counts as
    /// left out, and a whole number is written as an integer.</summary>
    public static JsonElement Arguments(ToolCall call, ToolDefinition tool) =>
        IntegralNumbers.Plain(ToolArguments.DropNullOptionals(call.Part.Arguments ?? s_noArguments, tool.Schema));

    /// <summary>Whether a call would be refused whatever people say, so that nobody needs to be asked.</summary>
    public static bool WouldReject(RunState state, AgentDefinition agent, ToolCall call) => Check(state, agent, call).Rejected is not null;

    /// <summary>Whether the run may have one more child, one level deeper.</summary>
    private static ToolRejected? CheckFamily(RunState state, AgentDefinition agent, ToolCall call)
    {
        if ((state.Started.Parent?.Ancestors.Count ?? 0) >= agent.Limits.Depth)
            return Rejection(
                call,
                ToolRejection.Limit,
                string.Create(CultureInfo.InvariantCulture,
                    $"'{call.Part.Name}' was not called: agents may call agents {agent.Limits.Depth} levels deep, and this is the last. Do it yourself."));
        if (agent.FindTool(call.Part.Name)!.IsHandOff
            && state.Calls.Any(c =>
                c.Index < call.Index && c is not { Status: ToolCallStatus.Done, IsError: true }
                    && agent.FindTool(c.Part.Name)?.IsHandOff == true))
            return Rejection(
                call,
                ToolRejection.Limit,
                $"'{call.Part.Name}' was not called: another call of the same message hands the task over, and it can go to one agent only.");
        int before = state.Calls.Count(
            c => c.Index < call.Index && c.Status == ToolCallStatus.Requested && agent.FindTool(c.Part.Name)?.Kind == ToolKind.Agent);
        return state.Descent.Length + before >= agent.Limits.Children
            ? Rejection(
                call,
                ToolRejection.Limit,
                string.Create(CultureInfo.InvariantCulture,
                    $"'{call.Part.Name}' was not called: this run has started {state.Descent.Length} agents, the most that are allowed. Go on with what they found."))
            : null;
    }

    private static ToolRejected? CheckArguments(ToolCall call, ToolDefinition tool, JsonElement arguments)
    {
        if (call.Part.Malformed is { } malformed)
            return Rejection(
                call,
                ToolRejection.MalformedArguments,
                $"The arguments of '{tool.Name}' are not JSON: {malformed}. Send one JSON object.");
        if (UnreadableArguments.Find(arguments) is { } unreadable)
            return Rejection(
                call,
                ToolRejection.InvalidArguments,
                $"The arguments of '{tool.Name}' hold {unreadable}, so it was not called. Correct that and call again.");
        if (tool.Validator.IsValid(arguments))
            return tool.Kind == ToolKind.Wait && BuiltInTools.UnreadableTime(arguments) is { } time
                ? Rejection(
                    call,
                    ToolRejection.InvalidArguments,
                    $"The time '{time}' cannot be waited for: give one from the year 1 to 9999 with an offset of at most 14 hours, as 2026-12-24T18:00:00Z.")
                : null;
        var text = new StringBuilder($"The arguments of '{tool.Name}' are not valid, so it was not called:");
        foreach (SchemaError error in tool.Validator.Validate(arguments).Errors.Take(5))
            text.Append(
                CultureInfo.InvariantCulture,
                $"\n- at {(error.InstancePointer.Length == 0 ? "the top" : error.InstancePointer)}: {error.Message}");
        return Rejection(call, ToolRejection.InvalidArguments, text.Append("\nCorrect them and call again.").ToString());
    }

    /// <summary>What an approval is bound to: tool, canonical arguments and definition.</summary>
    public static string Binding(RunState state, ToolCall call) =>
        Binding(call.Part.Name, call.Part.Arguments ?? s_noArguments, state);

    /// <summary>What an approval of these arguments is bound to.</summary>
    public static string Binding(string tool, JsonElement arguments, RunState state) =>
        Hash(
            $"{tool}\n{CanonicalJson.Sha256Hex(arguments)}\n{state.Started.DefinitionHash}{(state.OfferOf(tool) is { } offer ? $"\n{offer.Hash}" : "")}");

    private static ToolAdmission Admit(RunState state, ToolDefinition tool, ToolCall call, string argumentsHash) => new(
        new ToolStarted
        {
            Turn = call.Turn,
            Index = call.Index,
            Name = tool.Name,
            Effect = tool.Effect,
            Key = call.Intent?.Key ?? Key(state.Run, call, argumentsHash),
            ArgumentsHash = call.Intent?.ArgumentsHash ?? argumentsHash,
            Attempt = (call.Intent?.Attempt ?? 0) + 1,
            Reserved = new BudgetAmount(ToolCalls: 1, Usd: tool.CostUsd),
        },
        null);

    /// <summary>Derived from run, journaled position and arguments: the same
    /// for every attempt, whatever id the provider gives the call.</summary>
    private static string Key(RunId run, ToolCall call, string argumentsHash) =>
        Hash(string.Create(CultureInfo.InvariantCulture, $"{run}\n{call.Turn}\n{call.Index}\n{call.Part.Name}\n{argumentsHash}"))[..32];

    private static ToolRejected? CheckRepeat(RunState state, ToolDefinition tool, ToolCall call, string argumentsHash)
    {
        string key = RunState.RepeatKey(tool.Name, argumentsHash);
        if (!call.Cleared && state.Started.Parent?.Refused?.Contains(key) == true)
            return Rejection(
                call,
                ToolRejection.Repeated,
                $"This very call of '{tool.Name}' failed in an earlier attempt at the task and was not made again. Do it in another way.");
        if (call.Cleared || !state.Repeats.TryGetValue(key, out RunState.Repeat repeat) || repeat.Count < tool.RepeatLimit)
            return null;
        return Rejection(call, ToolRejection.Repeated, tool.Effect is ToolEffect.Unsafe or ToolEffect.Transactional
            ? $"This very call of '{tool.Name}' has been made already and was not made again; its result stands above. Go on from there."
            : string.Create(CultureInfo.InvariantCulture,
                $"This very call of '{tool.Name}' brought the same result {repeat.Count} times and was not made again. Use that result, or try something else."));
    }

    private static string UnknownTool(AgentDefinition agent, string name)
    {
        if (agent.Tools.Count == 0)
            return $"There is no tool '{name}': you have no tools. Answer without them.";
        string[] nearest =
            [.. agent.Tools.Select(t => t.Name)
                .OrderBy(t => NearestNames.Distance(t, name))
                .ThenBy(t => t, StringComparer.Ordinal)
                .Take(3)];
        return $"There is no tool '{name}'. The nearest are: {string.Join(", ", nearest)}.";
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static ToolAdmission Reject(ToolCall call, ToolRejection reason, string message) => new(null, Rejection(call, reason, message));

    private static ToolRejected Rejection(ToolCall call, ToolRejection reason, string message) =>
        new(call.Turn, call.Index, reason, message);
}
