namespace Steward.Providers;

/// <summary>How an endpoint on the Chat Completions wire differs from the others.</summary>
/// <param name="MaxTokensField">The field of the output limit.</param>
/// <param name="HasShortCallIds">Whether ids of calls are exactly nine letters and digits.</param>
/// <param name="TakesUnknownFields">Whether fields of an answer that OpenAI's wire does not have go back with it. A strict endpoint refuses
/// them.</param>
internal sealed record Dialect(string MaxTokensField = Dialect.MaxTokens, bool HasShortCallIds = false, bool TakesUnknownFields = true)
{
    private const string MaxTokens = "max_tokens";
    private const string MaxCompletionTokens = "max_completion_tokens";

    // Each with its source. What is not here takes max_tokens, any id, and its own fields back: DeepSeek and Kimi refuse a history without
    // their
    // reasoning_content (api-docs.deepseek.com/guides/thinking_mode), Gemini one without its extra_content
    // (ai.google.dev/gemini-api/docs/thought-signatures);
    // DeepSeek and Ollama ignore max_completion_tokens, and would answer without a limit.
    private static readonly (string Domain, Dialect Dialect)[] s_known =
    [
        // "Unsupported parameter: 'max_tokens'" of reasoning models: platform.openai.com/docs/api-reference/chat; unknown message fields
        // are refused with 400.
        ("openai.com", new Dialect(MaxCompletionTokens, TakesUnknownFields: false)),
        // learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning
        ("azure.com", new Dialect(MaxCompletionTokens, TakesUnknownFields: false)),
        // A proxy of OpenAI's API.
        ("helicone.ai", new Dialect(MaxCompletionTokens)),
        // "property 'reasoning_content' is unsupported": github.com/janhq/jan/issues/8136
        ("groq.com", new Dialect(TakesUnknownFields: false)),
        // "Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9": github.com/langchain-ai/langchain/pull/24668;
        // "extra_forbidden": github.com/mistralai/platform-docs-public/issues/7
        ("mistral.ai", new Dialect(HasShortCallIds: true, TakesUnknownFields: false)),
    ];

    /// <summary>The dialect of an address and a model, with what the options say otherwise.</summary>
    public static Dialect Of(Uri address, string model, ProviderOptions options)
    {
        Dialect known = Array.Find(s_known, k => Wire.IsHost(address, k.Domain)).Dialect ?? new Dialect();
        return known with
        {
            MaxTokensField = options.MaxTokensField ?? known.MaxTokensField,
            HasShortCallIds = known.HasShortCallIds || IsMistral(model),
        };
    }

    // The templates of Mistral's open models refuse other ids wherever they are served: github.com/ml-explore/mlx-lm/issues/1375
    private static bool IsMistral(string model) =>
        model.Contains("stral", StringComparison.OrdinalIgnoreCase) || model.Contains("xtral", StringComparison.OrdinalIgnoreCase);
}
