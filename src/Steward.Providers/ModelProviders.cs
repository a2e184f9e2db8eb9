using Microsoft.Extensions.AI;

namespace Steward.Providers;

/// <summary>Creates chat clients for the providers' own wires, with one behaviour for errors, time-outs, usage and tool calls.</summary>
/// <remarks>
/// Every failure is a <see cref="Steward.Models.ModelException"/>, except the caller's own cancellation. The clients try nothing again: the
/// runtime owns
/// retries. A stream hands out its tool calls only once the provider has said that the turn is finished. A message's bytes are kept with
/// the message and sent
/// again in the next turn, so a client should live as long as its conversations.
/// </remarks>
public static class ModelProviders
{
    private static readonly Uri s_anthropic = new("https://api.anthropic.com");
    private static readonly Uri s_openAI = new("https://api.openai.com/v1/");
    private static readonly TimeSpan s_maxTimeout = TimeSpan.FromDays(1);

    /// <summary>A model of Anthropic, or of any endpoint that speaks its Messages wire.</summary>
    /// <exception cref="ArgumentException">The model has no name, or an option is out of its range.</exception>
    public static IChatClient CreateAnthropic(string model, ProviderOptions options)
    {
        Guard(model, options);
        var url = Endpoint.Below(options.BaseUrl ?? s_anthropic, "messages");
        if (!url.AbsolutePath.EndsWith("/v1/messages", StringComparison.Ordinal))
            url = Endpoint.Below(options.BaseUrl ?? s_anthropic, "v1/messages");
        var wire = new Wire(options.BaseUrl is null ? "Anthropic" : $"Anthropic-compatible endpoint '{url.Authority}'", model, options);
        return Create(new MessagesFormat(new Endpoint("messages", url, model, wire, Dialect.Of(url, model, options))));
    }

    /// <summary>A model of OpenAI, or of any endpoint that speaks its Chat Completions wire.</summary>
    /// <exception cref="ArgumentException">The model has no name, or an option is out of its range.</exception>
    public static IChatClient CreateOpenAI(string model, ProviderOptions options)
    {
        Guard(model, options);
        var url = Endpoint.Below(options.BaseUrl ?? s_openAI, "chat/completions");
        var wire = new Wire(options.BaseUrl is null ? "OpenAI" : $"OpenAI-compatible endpoint '{url.Authority}'", model, options);
        return Create(new ChatFormat(new Endpoint("chat", url, model, wire, Dialect.Of(url, model, options))));
    }

    private static void Guard(string model, ProviderOptions options)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Timeout, s_maxTimeout);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.IdleTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.IdleTimeout, s_maxTimeout);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxAnswerBytes, 1_024);
    }

    private static ProviderChatClient Create(WireFormat format)
    {
        ProviderOptions options = format.Endpoint.Options;
        HttpMessageHandler transport = options.Handler ?? NewTransport();
        var guarded = new WireHandler(format.Endpoint.Wire) { InnerHandler = transport };
        var http = new HttpClient(guarded, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        return new ProviderChatClient(format, http, options.Handler is null ? transport : null);
    }

    private static SocketsHttpHandler NewTransport() => new()
    {
        AllowAutoRedirect = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        ConnectTimeout = TimeSpan.FromSeconds(30),
        AutomaticDecompression = System.Net.DecompressionMethods.All,
    };
}
