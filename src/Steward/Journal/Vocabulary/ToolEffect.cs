using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary>What a tool does to the world, and so what may be done with a call whose result was lost.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ToolEffect>))]
public enum ToolEffect
{
    /// <summary>It may do anything: a call of unknown outcome is never made
    /// again without its probe or a person's word. The default.</summary>
    [JsonStringEnumMemberName("unsafe")] Unsafe,

    /// <summary>It only looks: called again after a crash.</summary>
    [JsonStringEnumMemberName("read_only")] ReadOnly,

    /// <summary>The other side remembers the idempotency key: called again
    /// after a crash with the same key, for as long as it remembers.</summary>
    [JsonStringEnumMemberName("idempotent")] Idempotent,

    /// <summary>It writes in the journal's own PostgreSQL transaction: exactly once. Only on the PostgreSQL store.</summary>
    [JsonStringEnumMemberName("transactional")] Transactional,
}
