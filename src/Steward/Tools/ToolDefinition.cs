using System.Text.Json;
using Steward.Journal;
using Steward.JsonSchemas;

namespace Steward.Tools;

/// <summary>Makes a tool call.</summary>
public delegate ValueTask<ToolOutput> ToolHandler(ToolContext context, JsonElement arguments, CancellationToken cancellationToken);

/// <summary>Finds out, by its idempotency key, whether a call whose result was lost took effect. Must have no effect itself.</summary>
public delegate ValueTask<ProbeResult> ToolProbe(ToolContext context, JsonElement arguments, CancellationToken cancellationToken);

/// <summary>What a tool gives back: text, which JSON also is.</summary>
/// <param name="Text">What the model sees, or a preview of it is made from.</param>
public readonly record struct ToolOutput(string Text)
{
    /// <summary>What the call cost; null when it cost what the tool declares.</summary>
    public decimal? CostUsd { get; init; }

    /// <summary>Images and documents that the model sees beside the text.</summary>
    public IReadOnlyList<ContentPart>? Content { get; init; }
}

/// <summary>What a probe found.</summary>
/// <param name="Outcome">Whether the effect took place.</param>
/// <param name="Result">The result that the model then sees.</param>
public readonly record struct ProbeResult(EffectOutcome Outcome, string? Result = null)
{
    /// <summary>The effect took place.</summary>
    public static ProbeResult Happened(string result) => new(EffectOutcome.Happened, result);

    /// <summary>The effect did not take place.</summary>
    public static ProbeResult DidNotHappen => new(EffectOutcome.DidNotHappen);

    /// <summary>It cannot be told; a person is asked.</summary>
    public static ProbeResult Unknown => new(EffectOutcome.Unknown);
}

/// <summary>A tool: what the model is shown, how its calls are gated, and what makes them. Immutable.</summary>
public sealed class ToolDefinition
{
    /// <summary>The longest name that every provider takes.</summary>
    public const int MaxNameLength = 64;

    private static readonly JsonSchemaOptions s_validation = new() { LeapSeconds = false };

    /// <summary>Declares a tool.</summary>
    /// <param name="name">1 to 64 letters, digits, <c>-</c> or <c>_</c>.</param>
    /// <param name="description">What it does and when to use it, for the model.</param>
    /// <param name="schema">JSON Schema 2020-12 of the arguments: an object.</param>
    /// <param name="handler">Makes the call.</param>
    /// <exception cref="ArgumentException">The name is not usable, or the schema is not valid.</exception>
    public ToolDefinition(string name, string description, JsonElement schema, ToolHandler handler)
    {
        if (!IsName(name))
            throw new ArgumentException(
                $"The tool's name '{name}' is not usable: 1 to {MaxNameLength} letters, digits, '-' or '_'.",
                nameof(name));
        ArgumentNullException.ThrowIfNull(description);
        ArgumentNullException.ThrowIfNull(handler);
        Name = name;
        Description = description;
        Schema = schema.Clone();
        Handler = handler;
        Validator = Compile(name, Schema);
    }

    /// <summary>The name that the model calls.</summary>
    public string Name { get; }

    /// <summary>What it does and when to use it.</summary>
    public string Description { get; }

    /// <summary>The schema of its arguments.</summary>
    public JsonElement Schema { get; }

    /// <summary>Makes the call.</summary>
    public ToolHandler Handler { get; }

    /// <summary>Finds out whether a lost call took effect, if the tool can tell.</summary>
    public ToolProbe? Probe { get; init; }

    /// <summary>What it does to the world.</summary>
    /// <value><see cref="ToolEffect.Unsafe"/>.</value>
    public ToolEffect Effect { get; init; } = ToolEffect.Unsafe;

    /// <summary>For an idempotent tool: how long the other side remembers a key. Later, a lost call counts as unsafe.</summary>
    /// <value>24 hours.</value>
    public TimeSpan KeyMemory { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Whether its effect destroys something.</summary>
    public bool Destructive { get; init; }

    /// <summary>Whether a person must approve each call.</summary>
    public bool RequiresApproval { get; init; }

    /// <summary>What a call costs at most, in US dollars.</summary>
    public decimal CostUsd { get; init; }

    /// <summary>How long a call may take.</summary>
    /// <value>60 seconds.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Bytes of a result that the model is shown; the rest is kept and can be read on with <c>read_result</c>.</summary>
    /// <value>8 KiB.</value>
    public int MaxResult { get; init; } = 8 * 1024;

    /// <summary>Whether calls of one message may be made at the same time although the tool is unsafe; otherwise they are made one after
    /// the other, in the order in which the model asked for them.</summary>
    /// <value>False.</value>
    public bool Overlaps { get; init; }

    /// <summary>How often the very same call may bring the very same result before it is refused.</summary>
    /// <value>1 for an unsafe tool: it was done; otherwise 3.</value>
    public int? MaxRepeats { get; init; }

    /// <summary>What carries its calls out; see <see cref="BuiltInTools"/>.</summary>
    public ToolKind Kind { get; internal init; }

    /// <summary>The agent that it calls, when it calls one.</summary>
    public string? AgentName { get; internal init; }

    /// <summary>Whether the agent that it calls takes the task over, so that its answer is the caller's.</summary>
    public bool IsHandOff { get; internal init; }

    internal JsonSchema Validator { get; }

    internal int RepeatLimit =>
        Kind != ToolKind.Function ? int.MaxValue : MaxRepeats ?? (Effect is ToolEffect.Unsafe or ToolEffect.Transactional ? 1 : 3);

    /// <summary>Whether a name can be used for a tool or an agent with every provider.</summary>
    public static bool IsName(string? name) =>
        name is { Length: > 0 and <= MaxNameLength } && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>Why a name that belongs to the runtime itself cannot be taken, and the remedy; null for any other name.</summary>
    public static string? ReservedFault(string? name) => ResultReader.Name.Equals(name, StringComparison.OrdinalIgnoreCase)
        ? $"The tool name '{name}' is reserved: the runtime's own tool '{ResultReader.Name}' reads on in long results. Give the tool another name."
        : null;

    /// <summary>Checks what its initializers set.</summary>
    /// <exception cref="ArgumentException">Something is out of range; the message names it.</exception>
    internal void Check()
    {
        if (CostUsd < 0)
            throw new ArgumentException($"The tool '{Name}' cannot cost {CostUsd} US dollars: give 0 or more.");
        if (Timeout <= TimeSpan.Zero)
            throw new ArgumentException($"The tool '{Name}' cannot have the timeout {Timeout}: give more than zero.");
        if (MaxRepeats < 1 || MaxResult < 1)
            throw new ArgumentException($"The tool '{Name}' needs MaxRepeats and MaxResult of 1 or more.");
        if (KeyMemory < TimeSpan.Zero)
            throw new ArgumentException($"The tool '{Name}' cannot have the key memory {KeyMemory}: give 0 or more.");
    }

    private static JsonSchema Compile(string name, JsonElement schema)
    {
        try
        {
            return JsonSchema.Parse(schema, s_validation);
        }
        catch (JsonSchemaException e)
        {
            throw new ArgumentException($"The schema of the tool '{name}' is not valid: {e.Message}", nameof(schema), e);
        }
    }
}
