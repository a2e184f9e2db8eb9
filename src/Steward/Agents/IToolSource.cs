using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Agents;

/// <summary>Offers tools that it learns of at run time, for example from a server. Asked
/// before a run's first turn, and again when <see cref="Revision"/> has changed.</summary>
/// <remarks>
/// What it offered is journaled, so a run keeps the tools that it began with. That holds after a crash, on another worker, and
/// while it waits for weeks.
/// The agent's definition hashes <see cref="Fingerprint"/> and never the offer, so a server that rewords a description
/// changes no definition. A source that fails before its first offer parks the run; later, the run keeps what was offered before.
/// </remarks>
public interface IToolSource
{
    /// <summary>Its name, unique within the agent.</summary>
    string Name { get; }

    /// <summary>What identifies the source, such as a command or an address; part of the definition's hash. Never a secret.</summary>
    string Fingerprint { get; }

    /// <summary>Changes when the source has something else to offer.</summary>
    /// <value>0: it never says so.</value>
    int Revision => 0;

    /// <summary>What it offers to this run.</summary>
    ValueTask<IReadOnlyList<OfferedTool>> OfferAsync(ContextRequest request, CancellationToken cancellationToken);

    /// <summary>Makes a call of an offered tool.</summary>
    /// <exception cref="ToolException">The call surely had no effect; the model reads the message.</exception>
    ValueTask<ToolOutput> CallAsync(string tool, ToolContext context, JsonElement arguments, CancellationToken cancellationToken);

    /// <summary>Finds out whether a lost call took effect, for tools that are offered with <see cref="OfferedTool.HasProbe"/>.</summary>
    ValueTask<ProbeResult> ProbeAsync(string tool, ToolContext context, JsonElement arguments, CancellationToken cancellationToken) =>
        new(ProbeResult.Unknown);
}

/// <summary>A tool as a source offers it: what the model is shown, and how its calls are gated.</summary>
/// <param name="Name">1 to 64 letters, digits, <c>-</c> or <c>_</c>.</param>
/// <param name="Description">What it does and when to use it, for the model.</param>
/// <param name="Schema">JSON Schema 2020-12 of the arguments: an object.</param>
public sealed record OfferedTool(string Name, string Description, JsonElement Schema)
{
    /// <summary>What it does to the world; <see cref="ToolEffect.Transactional"/> counts
    /// as unsafe, for a source has no part in the journal's transaction.</summary>
    /// <value><see cref="ToolEffect.Unsafe"/>.</value>
    public ToolEffect Effect { get; init; } = ToolEffect.Unsafe;

    /// <summary>Whether its effect destroys something.</summary>
    public bool Destructive { get; init; }

    /// <summary>Whether a person must approve each call.</summary>
    public bool RequiresApproval { get; init; }

    /// <summary>What a call costs at most, in US dollars.</summary>
    public decimal CostUsd { get; init; }

    /// <summary>How long a call may take.</summary>
    /// <value>60 seconds.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For an idempotent tool: how long the other side remembers a key.</summary>
    /// <value>24 hours.</value>
    public TimeSpan KeyMemory { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Bytes of a result that the model is shown.</summary>
    /// <value>8 KiB.</value>
    public int MaxResult { get; init; } = 8 * 1024;

    /// <inheritdoc cref="ToolDefinition.Overlaps"/>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Overlaps { get; init; }

    /// <summary>Whether <see cref="IToolSource.ProbeAsync"/> can tell what became of a lost call.</summary>
    public bool HasProbe { get; init; }

    internal ToolDefinition Define(IToolSource source) =>
        new(
            Name,
            Description,
            Schema,
            (context, arguments, cancellationToken) => source.CallAsync(Name, context, arguments, cancellationToken))
    {
        Effect = Effect == ToolEffect.Transactional ? ToolEffect.Unsafe : Effect,
        Destructive = Destructive,
        RequiresApproval = RequiresApproval,
        CostUsd = CostUsd,
        Timeout = Timeout,
        KeyMemory = KeyMemory,
        MaxResult = MaxResult,
        Overlaps = Overlaps,
        Probe = HasProbe ? (context, arguments, cancellationToken) => source.ProbeAsync(Name, context, arguments, cancellationToken) : null,
    };
}

/// <summary>What a tool source offered, and how it is kept: as a blob under its hash.</summary>
internal static class ToolOffer
{
    public static Blob Write(IReadOnlyList<OfferedTool> tools) =>
        Blob.Of(JsonSerializer.SerializeToUtf8Bytes(tools, OfferJson.Default.IReadOnlyListOfferedTool));

    public static IReadOnlyList<OfferedTool> Read(ReadOnlyMemory<byte> json) =>
        JsonSerializer.Deserialize(json.Span, OfferJson.Default.IReadOnlyListOfferedTool)!;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<OfferedTool>))]
internal sealed partial class OfferJson : JsonSerializerContext;
