using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json.Nodes;
using Anthropic;
using Anthropic.Core;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using Steward.Models;

namespace Steward.Providers;

/// <summary>Creates chat clients for the providers' own wires, with one behaviour for errors, time-outs, usage and tool calls.</summary>
/// <remarks>
/// Every failure is a <see cref="Steward.Models.ModelException"/>, except the caller's own cancellation. The SDKs' retries are off: the
/// runtime owns retries. A stream hands out its tool calls only once the provider has said that the turn is finished.
/// </remarks>
public static class ModelProviders
{
    // The SDK would say 1,024, which cuts most answers short.
    private const int AnthropicDefaultMaxTokens = 4_096;

    private static readonly TimeSpan MaxTimeout = TimeSpan.FromDays(1);

    /// <summary>A model of Anthropic, over the Messages API.</summary>
    /// <exception cref="ArgumentException">The model has no name, or a time-out is not between zero and a day.</exception>
    public static IChatClient CreateAnthropic(string model, ProviderOptions options)
    {
        Guard(model, options);
        var wire = new Wire("Anthropic", model, options);
        var (http, owned) = Connect(wire, options.PromptCaching ? PromptCache.Mark : null);
        var client = new AnthropicClient(new ClientOptions
        {
            HttpClient = http,
            MaxRetries = 0,
            Timeout = options.Timeout + TimeSpan.FromMinutes(1), // Ours comes first, and knows more.
            BaseUrl = AnthropicRoot(options.BaseUrl),
            ApiKey = options.ApiKey,
            AuthToken = null, // Set, so that no credential of the surroundings is sent to this address.
        });
        return new AnthropicModel(client.AsIChatClient(model, AnthropicDefaultMaxTokens), wire, owned);
    }

    /// <summary>A model of OpenAI, or of any endpoint that speaks its Chat Completions wire.</summary>
    /// <exception cref="ArgumentException">The model has no name, or a time-out is not between zero and a day.</exception>
    public static IChatClient CreateOpenAI(string model, ProviderOptions options)
    {
        Guard(model, options);
        var wire = new Wire(options.BaseUrl is { } url ? $"OpenAI-compatible endpoint '{url.Authority}'" : "OpenAI", model, options);
        var field = options.MaxTokensField ?? DefaultMaxTokensField(options.BaseUrl);
        var (http, owned) = Connect(wire, request => NameMaxTokens(request, field));
        var sdk = new OpenAIClientOptions
        {
            Transport = new HttpClientPipelineTransport(http),
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        };
        if (options.BaseUrl is not null)
            sdk.Endpoint = options.BaseUrl;

        // The SDK insists on a key; without one, the wire takes the header out again.
        var client = new ChatClient(model, new ApiKeyCredential(options.ApiKey ?? "none"), sdk);
        return new OpenAIModel(client.AsIChatClient(), wire, owned);
    }

    private static void Guard(string model, ProviderOptions options)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Timeout, MaxTimeout);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.IdleTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.IdleTimeout, MaxTimeout);
    }

    private static (HttpClient Client, IDisposable? Owned) Connect(Wire wire, Action<JsonObject>? rewrite)
    {
        var transport = wire.Options.Handler ?? NewTransport();
        HttpMessageHandler chain = new WireHandler(wire) { InnerHandler = transport };
        if (rewrite is not null)
            chain = new RequestRewriteHandler(rewrite) { InnerHandler = chain };

        var client = new HttpClient(chain, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        return (client, wire.Options.Handler is null ? transport : null);
    }

    private static SocketsHttpHandler NewTransport() => new()
    {
        AllowAutoRedirect = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        ConnectTimeout = TimeSpan.FromSeconds(30),
        AutomaticDecompression = System.Net.DecompressionMethods.All,
    };

    private static string AnthropicRoot(Uri? baseUrl)
    {
        var root = (baseUrl?.AbsoluteUri ?? EnvironmentUrl.Production).TrimEnd('/');
        return root.EndsWith("/v1", StringComparison.Ordinal) ? root[..^"/v1".Length] : root;
    }

    private static string DefaultMaxTokensField(Uri? baseUrl) =>
        baseUrl is null || Wire.IsHost(baseUrl, "openai.com") || Wire.IsHost(baseUrl, "azure.com") || Wire.IsHost(baseUrl, "helicone.ai")
            ? "max_completion_tokens"
            : "max_tokens";

    private static void NameMaxTokens(JsonObject request, string name)
    {
        foreach (var field in (string[])["max_completion_tokens", "max_tokens"])
        {
            if (field == name || request[field] is not { } limit)
                continue;

            request.Remove(field);
            request[name] = limit;
        }
    }
}
