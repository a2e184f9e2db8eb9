using System.Diagnostics;
using System.Globalization;

namespace Steward.OpenTelemetry.Presets;

/// <summary>What single back ends read beside the GenAI conventions. It belongs to their presets, never to the mapping.</summary>
internal static class BackEndAttributes
{
    private const string Operation = "gen_ai.operation.name";
    private const string Label = "steward.label.";

    public static void Langfuse(Activity span)
    {
        span.SetTag("langfuse.observation.type", span.GetTagItem(Operation) switch
        {
            "chat" => "generation",
            "execute_tool" => "tool",
            "invoke_agent" => "agent",
            "embeddings" => "embedding",
            "retrieval" => "retriever",
            _ => "span",
        });
        OlderNames(span);
        if (span.GetTagItem(Operation) is not "invoke_agent" || span.GetTagItem("steward.parent.run") is not null)
            return;
        span.SetTag("langfuse.trace.name", span.GetTagItem("gen_ai.agent.name"));
        if (Labels(span) is { Length: > 0 } labels)
            span.SetTag("langfuse.trace.tags", labels);
    }

    public static void Phoenix(Activity span)
    {
        span.SetTag("openinference.span.kind", span.GetTagItem(Operation) switch
        {
            "chat" => "LLM",
            "execute_tool" => "TOOL",
            "invoke_agent" => "AGENT",
            "embeddings" => "EMBEDDING",
            "retrieval" => "RETRIEVER",
            _ => "CHAIN",
        });
        OlderNames(span);
        Copy(span, "gen_ai.conversation.id", "session.id");
        Copy(span, "gen_ai.usage.cost", "llm.cost.total");
    }

    public static void LangSmith(Activity span)
    {
        span.SetTag("langsmith.span.kind", span.GetTagItem(Operation) switch
        {
            "chat" => "llm",
            "execute_tool" => "tool",
            "embeddings" => "embedding",
            "retrieval" => "retriever",
            _ => "chain",
        });
        Copy(span, "gen_ai.provider.name", "gen_ai.system");
        Copy(span, "gen_ai.conversation.id", "langsmith.metadata.session_id");
        Copy(span, "user.id", "langsmith.metadata.user_id");
        if (Labels(span) is { Length: > 0 } labels)
            span.SetTag("langsmith.span.tags", string.Join(", ", labels));
    }

    /// <summary>These back ends do not know the names of the newer conventions yet:
    /// cached tokens would be counted twice, and cost not at all.</summary>
    private static void OlderNames(Activity span)
    {
        Copy(span, "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens");
        Copy(span, "gen_ai.usage.cost.amount", "gen_ai.usage.cost");
    }

    private static void Copy(Activity span, string from, string to)
    {
        if (span.GetTagItem(from) is { } value)
            span.SetTag(to, value);
    }

    private static string[] Labels(Activity span) =>
    [
        .. span.TagObjects.Where(t => t.Key.StartsWith(Label, StringComparison.Ordinal))
            .Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Key[Label.Length..]}:{t.Value}")),
    ];
}
