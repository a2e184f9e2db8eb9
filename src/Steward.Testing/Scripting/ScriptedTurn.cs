using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Steward.Testing.Scripting;

/// <summary>One answer of a scripted model, and when it is given.</summary>
/// <remarks>
/// Texts and arguments may hold <c>{{name}}</c>: a capture, <c>user</c> or <c>result</c> (the last user message and the last tool
/// result). Also <c>user.GROUP</c> or <c>result.GROUP</c> (named groups of the matchers), or <c>$.path</c> into the last tool result that
/// is JSON.
/// </remarks>
public sealed record ScriptedTurn
{
    /// <summary>When it is given.</summary>
    /// <value>Always, in its place.</value>
    public ScriptedWhen When { get; init; } = ScriptedWhen.Anything;

    /// <summary>How often it is given in one conversation; <see cref="int.MaxValue"/> for as often as it matches.</summary>
    /// <value>Once; a default turn as often as it matches.</value>
    public int? Repeat { get; init; }

    /// <summary>The text, if it says something.</summary>
    public string? Say { get; init; }

    /// <summary>The reasoning before it, if there is any.</summary>
    public string? Reasoning { get; init; }

    /// <summary>The tool calls.</summary>
    public IReadOnlyList<ScriptedCall> ToolCalls { get; init; } = [];

    /// <summary>What to keep from the tool result for this and all later turns of
    /// the conversation: a name and a path such as <c>$.rows[0].id</c>.</summary>
    public IReadOnlyDictionary<string, string> Captures { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Why the answer ends.</summary>
    /// <value><c>tool_calls</c> when there are calls, otherwise <c>stop</c>.</value>
    public ChatFinishReason? Finish { get; init; }

    /// <summary>How long the model takes, by the client's clock.</summary>
    /// <value>No time.</value>
    public TimeSpan Delay { get; init; }

    /// <summary>The usage that it reports.</summary>
    /// <value>An estimate: four characters a token.</value>
    public ScriptedUsage? Usage { get; init; }

    /// <summary>What goes wrong, if anything does.</summary>
    public ScriptedFault? Fault { get; init; }

    /// <summary>Whether it answers something; a turn that does not needs a <see cref="Fault"/>.</summary>
    public bool HasReply => Say is not null || ToolCalls.Count > 0 || Reasoning is not null;

    /// <summary>Says a text.</summary>
    public static ScriptedTurn Says(string text) => new() { Say = text };

    /// <summary>Calls a tool with arguments that are written as JSON.</summary>
    public static ScriptedTurn Calls(string tool, string arguments = "{}") =>
        new() { ToolCalls = [new ScriptedCall(tool, Parse(arguments))] };

    /// <summary>Calls several tools at once.</summary>
    public static ScriptedTurn Calls(params (string Tool, string Arguments)[] calls) =>
        new() { ToolCalls = [.. calls.Select(c => new ScriptedCall(c.Tool, Parse(c.Arguments)))] };

    /// <summary>Fails, so often (in this process), or always.</summary>
    public static ScriptedTurn Fails(ScriptedFaultKind kind, int? times = null, TimeSpan? retryAfter = null) =>
        new() { Fault = new ScriptedFault(kind) { Times = times, RetryAfter = retryAfter } };

    private static JsonObject Parse(string arguments) =>
        JsonNode.Parse(arguments) as JsonObject
            ?? throw new JsonException($"'{arguments}' is not a JSON object; the arguments of a tool call are.");
}

/// <summary>A tool call of a scripted turn.</summary>
/// <param name="Tool">The tool's name.</param>
/// <param name="Arguments">Its arguments. A text that is nothing but one <c>{{name}}</c> becomes the captured value with its type.</param>
public sealed record ScriptedCall(string Tool, JsonObject Arguments)
{
    /// <summary>The call's id.</summary>
    /// <value>Made of the turn and the place.</value>
    public string? Id { get; init; }
}

/// <summary>When a scripted turn applies; everything that is set must hold.</summary>
public sealed record ScriptedWhen
{
    /// <summary>Matches any request.</summary>
    public static ScriptedWhen Anything { get; } = new();

    /// <summary>Part of the last user message, case ignored.</summary>
    public string? User { get; init; }

    /// <summary>A pattern for the last user message; its named groups can be used as <c>{{user.GROUP}}</c>.</summary>
    public Regex? UserMatch { get; init; }

    /// <summary>The tool of one of the results that came last; <c>*</c> for any.</summary>
    public string? ToolResult { get; init; }

    /// <summary>Part of that result, case ignored.</summary>
    public string? ResultContains { get; init; }

    /// <summary>A pattern for that result; its named groups can be used as <c>{{result.GROUP}}</c>.</summary>
    public Regex? ResultMatch { get; init; }

    /// <summary>Part of the instructions (the system prompt), case ignored: tells apart the roles that one script plays.</summary>
    public string? Instructions { get; init; }

    /// <summary>The number of the model's answer in the conversation, from 1.</summary>
    public int? Turn { get; init; }

    /// <summary>Applies only when no other turn does, and then as often as it is needed.</summary>
    public bool Default { get; init; }
}

/// <summary>The tokens that a scripted turn reports; <see cref="Input"/> includes the cached ones.</summary>
public sealed record ScriptedUsage(long Input, long Output, long CacheRead = 0, long CacheWrite = 0);

/// <summary>What can go wrong with a scripted turn.</summary>
public enum ScriptedFaultKind
{
    /// <summary>The provider is overloaded (529).</summary>
    Overloaded,

    /// <summary>Too many requests (429).</summary>
    RateLimited,

    /// <summary>No answer in time.</summary>
    Timeout,

    /// <summary>The provider fails on its side (500).</summary>
    ServerError,

    /// <summary>The stream breaks off half-way.</summary>
    CutStream,

    /// <summary>The arguments of the tool calls are not JSON.</summary>
    MalformedArguments,

    /// <summary>No answer ever comes; only cancelling ends the call.</summary>
    Hang,

    /// <summary>The answer comes without its usage.</summary>
    UnknownUsage,
}

/// <summary>What goes wrong with a scripted turn.</summary>
/// <param name="Kind">What.</param>
public sealed record ScriptedFault(ScriptedFaultKind Kind)
{
    /// <summary>How long the provider asks to wait, with <see cref="ScriptedFaultKind.RateLimited"/>
    /// or <see cref="ScriptedFaultKind.Overloaded"/>.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>How often it goes wrong before the turn's answer comes. Counted
    /// for this client in this process: a restart counts anew.</summary>
    /// <value>Once when the turn has an answer to give after it, otherwise always. What spoils an answer
    /// (<see cref="ScriptedFaultKind.MalformedArguments"/>, <see cref="ScriptedFaultKind.UnknownUsage"/>) spoils it always.</value>
    public int? Times { get; init; }

    /// <summary>Whether the answer comes, but spoiled.</summary>
    public bool SpoilsAnswer => Kind is ScriptedFaultKind.MalformedArguments or ScriptedFaultKind.UnknownUsage;
}
