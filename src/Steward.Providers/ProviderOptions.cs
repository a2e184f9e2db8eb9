using System.Text.Json;

namespace Steward.Providers;

/// <summary>How to reach a model's provider.</summary>
public sealed record ProviderOptions
{
    /// <summary>The API key.</summary>
    /// <value>None: no key is sent, which is right for a local server or a proxy that holds the key. No environment variable is
    /// read.</value>
    public string? ApiKey { get; init; }

    /// <summary>Where the API is.</summary>
    /// <value>The provider's own address.</value>
    /// <remarks>
    /// For an OpenAI-compatible endpoint it ends in the version: <c>http://127.0.0.1:11434/v1/</c> (Ollama),
    /// <c>https://NAME.openai.azure.com/openai/v1/</c> (Azure; the key goes into the <c>api-key</c> header). For Anthropic it ends before
    /// <c>/v1</c>, or with it. A query stays: <c>?api-version=…</c>.
    /// </remarks>
    public Uri? BaseUrl { get; init; }

    /// <summary>Headers to add to each request; one of the client's own is replaced.</summary>
    /// <value>None.</value>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The longest that one call may take, from the request to the last byte of the answer, streamed or not.</summary>
    /// <value>10 minutes.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The longest silence within a stream, from when its headers have come.</summary>
    /// <value>2 minutes: a model that reasons before it speaks may be silent for as long.</value>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Whether the stable prefix of each Anthropic request (system, tools, all but the newest messages) is marked for its prompt
    /// cache.</summary>
    /// <value>True. The providers behind the OpenAI wire cache by themselves.</value>
    public bool PromptCaching { get; init; } = true;

    /// <summary>The field that carries the output limit on the OpenAI wire.</summary>
    /// <value>
    /// <c>max_completion_tokens</c> for OpenAI, Azure and Helicone; <c>max_tokens</c> for every other address, because DeepSeek and Ollama
    /// ignore
    /// the new name and would answer without a limit.
    /// </value>
    public string? MaxTokensField { get; init; }

    /// <summary>Fields to add to the JSON of each request, for what only this endpoint knows: <c>thinking</c>, <c>reasoning_effort</c>, a
    /// gateway's routing.</summary>
    /// <value>None.</value>
    public IReadOnlyDictionary<string, JsonElement> Fields { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>The most bytes of one answer, events and all; a longer one is given up as broken.</summary>
    /// <value>64 MiB: some 200,000 tokens, each in an event of its own.</value>
    /// <remarks>Within it, an event may have 4 MiB, an answer that is no stream 8 MiB, and what is kept of an answer 8,388,608
    /// characters.</remarks>
    public long MaxAnswerBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>The transport. It is not disposed with the client.</summary>
    /// <value>One connection pool for each client, without redirects: a redirect could carry the key to another host.</value>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>The clock for time-outs and <c>Retry-After</c> dates.</summary>
    /// <value>The system's.</value>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Leaves out the key and the headers' values, so that a logged record carries no secret.</summary>
    public override string ToString() => $"{nameof(ProviderOptions)} {{ {nameof(BaseUrl)} = {BaseUrl?.Authority ?? "default"} }}";
}
