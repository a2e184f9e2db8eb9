using System.Text.RegularExpressions;

namespace Steward.Diagnostics.Tracing;

/// <summary>What the spans of runs say.</summary>
public sealed class TracingOptions
{
    /// <summary>The version of the GenAI semantic conventions that names attributes.</summary>
    /// <value><see cref="GenAIConvention.Core141"/>.</value>
    public GenAIConvention Convention { get; set; } = GenAIConvention.Core141;

    /// <summary>Whether spans bear content: messages, arguments, results, evidence, reasons and error texts.</summary>
    /// <value>False. What a provider sent for itself is never exported.</value>
    public bool Content { get; set; }

    /// <summary>Most characters of one content attribute; the oldest messages are left out first.</summary>
    /// <value>32,768; 256 to 1,000,000.</value>
    public int MaxContent { get; set; } = 32_768;

    /// <summary>What is replaced by <c>[redacted]</c> in content.</summary>
    public IList<Regex> Redactions { get; } = [];

    /// <summary>Rewrites each text of content after <see cref="Redactions"/>.</summary>
    /// <value>Null: nothing more is rewritten.</value>
    public Func<string, string>? Redact { get; set; }

    /// <summary>Batches of journal entries that wait to be mapped; more are left out, counted and logged.</summary>
    /// <value>4,096; 1 to 1,000,000.</value>
    public int QueueLength { get; set; } = 4_096;

    internal void Check()
    {
        OptionRange.Check<int>("TracingOptions.MaxContent", MaxContent, 256, 1_000_000);
        OptionRange.Check<int>("TracingOptions.QueueLength", QueueLength, 1, 1_000_000);
    }
}

/// <summary>Versions of the GenAI semantic conventions.</summary>
public enum GenAIConvention
{
    /// <summary>Version 1.41.1 of the semantic conventions, the last that holds GenAI.</summary>
    Core141,

    /// <summary>Version 0.1.0 of the separate GenAI conventions: <c>cache_write</c>, and cost with currency and source.</summary>
    GenAI01,
}
