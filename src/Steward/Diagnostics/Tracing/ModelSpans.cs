using Steward.Agents;
using Steward.Journal;

namespace Steward.Diagnostics.Tracing;

/// <summary>Attributes of a model call, by the convention in force.</summary>
internal static class ModelSpans
{
    public static SpanAttributes Started(SpanAttributes common, ModelStarted intent, string? input) => new SpanAttributes(common)
        .Set(Names.Operation, "chat")
        .Set(Names.Provider, intent.Provider)
        .Set(Names.RequestModel, intent.Model)
        .Set("gen_ai.request.max_tokens", (long)intent.MaxOutput)
        .Set(Names.InputMessages, input)
        .Set(Names.Turn, (long)intent.Turn)
        .Set(Names.Attempt, (long)intent.Attempt)
        .Set("steward.role", Names.Of(intent.Role))
        .Set("steward.purpose", SideCall.PurposeOf(intent))
        .Set("steward.wrap_up", intent.WrapUp ? true : null)
        .Set("steward.request.hash", intent.RequestHash)
        .Set("steward.cost.reserved_usd", (double)intent.Reserved.Usd);

    public static void Returned(SpanAttributes span, ModelReturned answer, GenAIConvention convention, ContentWriter content)
    {
        span.Set("gen_ai.response.id", answer.ResponseId)
            .Set("gen_ai.response.model", answer.ServedBy)
            .Set("gen_ai.response.finish_reasons", answer.Finish is { } finish ? new[] { finish } : null)
            .Set(Names.OutputMessages, content.Output(answer.Content, answer.Finish));
        if (answer.Usage is { } usage)
            Used(span, usage, convention);
        // Without a reported usage the whole reservation counts as spent.
        Cost(span, answer.Settled.Usd, answer.Usage is null ? "reservation" : "price_list", convention);
    }

    public static void Failed(SpanAttributes span, ModelFailed failure, GenAIConvention convention)
    {
        span.Set("http.response.status_code", (long?)failure.Status)
            .Set("steward.final", failure.Final ? true : null);
        if (failure.Settled.Usd > 0)
            Cost(span, failure.Settled.Usd, "settlement", convention);
    }

    private static void Used(SpanAttributes span, TokenUsage usage, GenAIConvention convention) => span
        .Set("gen_ai.usage.input_tokens", usage.Input)
        .Set("gen_ai.usage.output_tokens", usage.Output)
        .Set("gen_ai.usage.cache_read.input_tokens", usage.CacheRead)
        .Set(
            convention == GenAIConvention.Core141 ? "gen_ai.usage.cache_creation.input_tokens" : "gen_ai.usage.cache_write.input_tokens",
            usage.CacheWrite)
        .Set("gen_ai.usage.reasoning.output_tokens", usage.Reasoning == 0 ? null : usage.Reasoning);

    private static void Cost(SpanAttributes span, decimal usd, string source, GenAIConvention convention)
    {
        if (convention == GenAIConvention.Core141)
            span.Set("gen_ai.usage.cost", (double)usd);
        else
            span.Set("gen_ai.usage.cost.amount", (double)usd).Set("gen_ai.usage.cost.currency", "USD").Set("gen_ai.usage.cost.source", source);
        span.Set("steward.cost.usd", (double)usd).Set("steward.cost.source", source);
    }
}
