using System.Globalization;
using System.Text.Json;
using Steward.Journal;

namespace Steward.Tools;

/// <summary>What carries a tool call out.</summary>
public enum ToolKind
{
    /// <summary>Its handler.</summary>
    Function,

    /// <summary>A child run of an agent.</summary>
    Agent,

    /// <summary>The user, who is asked.</summary>
    AskUser,

    /// <summary>Time, or a signal.</summary>
    Wait,

    /// <summary>A person, who takes the task over.</summary>
    HandOff,
}

/// <summary>Tools that the runtime itself carries out. A run that waits for one is parked: no memory, no thread, no lease.</summary>
public static class BuiltInTools
{
    /// <summary>Asks the user something; the answer has a shape if the model gives one.</summary>
    public static ToolDefinition AskUser { get; } = new(
        "ask_user",
        "Asks the user a question and waits for the answer, for hours or days if need be. Use it when something is missing that only the user knows. Give a JSON Schema when the answer must have a certain shape.",
        JsonElement.Parse("""
            {
              "type": "object", "required": ["question"], "additionalProperties": false,
              "properties": {
                "question": { "type": "string", "minLength": 1 },
                "schema": { "type": "object", "description": "JSON Schema of the answer; leave it out for free text." }
              }
            }
            """),
        Never)
    {
        Kind = ToolKind.AskUser,
        Effect = ToolEffect.ReadOnly,
    };

    /// <summary>Waits for a time, or for a signal that the application sends by name.</summary>
    public static ToolDefinition WaitUntil { get; } = new(
        "wait_until",
        "Waits until a time, or until something happens that the application tells by name (a signal), whichever comes first.",
        JsonElement.Parse("""
            {
              "type": "object", "additionalProperties": false, "minProperties": 1,
              "properties": {
                "time": { "type": "string", "format": "date-time", "description": "For example 2026-12-24T18:00:00Z." },
                "seconds": { "type": "number", "minimum": 0, "maximum": 31536000, "description": "From now." },
                "signal": { "type": "string", "minLength": 1, "maxLength": 200 }
              }
            }
            """),
        Never)
    {
        Kind = ToolKind.Wait,
        Effect = ToolEffect.ReadOnly,
    };

    /// <summary>Hands the task to a person, who says how it ended.</summary>
    public static ToolDefinition HandOff { get; } = new(
        "hand_off",
        "Hands the task to a person and waits for what they say. Use it when you cannot or may not go on. Say what has been done and what is left.",
        JsonElement.Parse("""
            {
              "type": "object", "required": ["summary"], "additionalProperties": false,
              "properties": { "summary": { "type": "string", "minLength": 1 } }
            }
            """),
        Never)
    {
        Kind = ToolKind.HandOff,
        Effect = ToolEffect.ReadOnly,
    };

    /// <summary>An agent as a tool: each call is a child run with a journal of its own, whose money is the caller's.</summary>
    /// <param name="agent">The agent's name; its newest version here is used.</param>
    /// <param name="description">What it does and when to use it, for the model.</param>
    /// <param name="name">The tool's name; null for the agent's.</param>
    public static ToolDefinition Agent(string agent, string description, string? name = null) => new(
        name ?? agent,
        description,
        JsonElement.Parse("""
            {
              "type": "object", "required": ["task"], "additionalProperties": false,
              "properties": { "task": { "type": "string", "minLength": 1, "description": "What is to be done, with everything that the other agent has to know: it sees nothing else." } }
            }
            """),
        Never)
    {
        Kind = ToolKind.Agent,
        AgentName = agent,
    };

    /// <summary>Hands the task to another agent for good: a child run whose answer
    /// is the caller's outcome, once the caller's validators passed it.</summary>
    /// <param name="agent">The agent's name; its newest version here is used.</param>
    /// <param name="description">Which tasks are its own, for the model.</param>
    /// <param name="name">The tool's name; null for <c>hand_off_to_</c> and the agent's.</param>
    public static ToolDefinition HandOffTo(string agent, string description, string? name = null) => new(
        name ?? $"hand_off_to_{agent}",
        $"{description} This hands the whole task over for good: the other agent's answer is the final one, and you do not speak after it.",
        JsonElement.Parse("""
            {
              "type": "object", "required": ["brief"], "additionalProperties": false,
              "properties": { "brief": { "type": "string", "minLength": 1, "description": "What is wanted, what has been done and found, and what is left, with everything that the other agent has to know: it sees nothing else." } }
            }
            """),
        Never)
    {
        Kind = ToolKind.Agent,
        AgentName = agent,
        IsHandOff = true,
    };

    /// <summary>The time that a call of <see cref="WaitUntil"/> names; null when it names none, or none that .NET has.</summary>
    internal static DateTimeOffset? TimeOf(JsonElement arguments) =>
        arguments.TryGetProperty("time", out JsonElement time)
        && DateTimeOffset.TryParse(
            time.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset given)
            ? given.ToUniversalTime()
            : null;

    /// <summary>The time that a call names and that cannot be read: without this, it would wait for ever.</summary>
    internal static string? UnreadableTime(JsonElement arguments) =>
        arguments.TryGetProperty("time", out JsonElement time) && TimeOf(arguments) is null ? time.GetString() : null;

    private static ValueTask<ToolOutput> Never(ToolContext context, JsonElement arguments, CancellationToken cancellationToken) =>
        throw new InvalidOperationException($"'{context.Tool}' is carried out by the runtime itself.");
}
