using System.ComponentModel.DataAnnotations;

namespace Steward.Storage;

/// <summary>What a store takes at most; all explicit, so that nothing grows without a bound.</summary>
public sealed record StoreLimits
{
    /// <summary>Largest payload that stays in the journal row; a larger one becomes a blob under its hash.</summary>
    /// <value>16 KiB.</value>
    [Range(256, 1 << 20)]
    public int InlinePayload { get; init; } = 16 * 1024;

    /// <summary>Largest payload of one event.</summary>
    /// <value>8 MiB.</value>
    [Range(1 << 10, 1 << 30)]
    public int Payload { get; init; } = 8 * 1024 * 1024;

    /// <summary>Most entries of one run.</summary>
    /// <value>50,000.</value>
    [Range(10, 10_000_000)]
    public long EntriesPerRun { get; init; } = 50_000;

    /// <summary>Largest blob.</summary>
    /// <value>64 MiB.</value>
    [Range(1 << 10, 1 << 30)]
    public int Blob { get; init; } = 64 * 1024 * 1024;
}
