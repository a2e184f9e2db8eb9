using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;
using Steward.Journal;

namespace Steward.Tools.Declarative;

/// <summary>Makes tools of HTTP requests.</summary>
/// <remarks>
/// What failed before it was sent, and what the server refused (4xx), had no effect and is told to the model. A later failure (5xx, no
/// answer, a connection that broke) is told to the model when the call may be repeated. Otherwise its exception passes to the runtime: the
/// outcome is unknown. Secrets are taken out of every text that leaves.
/// </remarks>
public static class HttpTool
{
    private const int ExcerptLength = 300;
    private static readonly string[] s_methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    private static readonly string[] s_ownHeaders =
    [
        "Host",
        "Connection",
        "Content-Length",
        "Transfer-Encoding",
        "Content-Type",
        "Proxy-Authorization",
        "Upgrade",
        "TE",
        "Trailer",
    ];
    private static readonly HttpMessageInvoker s_public = NetworkPolicy.CreateInvoker(allowPrivate: false);
    private static readonly HttpMessageInvoker s_any = NetworkPolicy.CreateInvoker(allowPrivate: true);

    /// <summary>Makes the tool.</summary>
    /// <exception cref="ArgumentException">The options contradict themselves; the message says where.</exception>
    public static ToolDefinition Create(HttpToolOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        string owner = $"The tool '{options.Name}'";
        var url = new UrlTemplate(owner, options.Url);
        UrlTemplate? probeUrl = options.Probe is { } probe ? new UrlTemplate($"The probe of the tool '{options.Name}'", probe.Url) : null;
        Check(owner, options, url, probeUrl);

        // A request is cut off by its own clock, a little before the runtime's: it knows better what that means.
        DeclaredToolOptions declared = options with { Timeout = options.Timeout + TimeSpan.FromSeconds(5) };
        return declared.Define(
            EffectOf(options),
            (context, arguments, cancellationToken) => CallAsync(options, url, context, arguments, cancellationToken),
            probeUrl is null ? null : (context, arguments, cancellationToken) =>
                ProbeAsync(options, probeUrl, context, arguments, cancellationToken));
    }

    internal static ToolEffect EffectOf(HttpToolOptions options) =>
        options.Effect ?? (options.Method is "GET" or "HEAD" ? ToolEffect.ReadOnly : ToolEffect.Unsafe);

    private static async ValueTask<ToolOutput> CallAsync(
        HttpToolOptions options,
        UrlTemplate url,
        ToolContext context,
        JsonElement arguments,
        CancellationToken cancellationToken)
    {
        var secrets = new HttpSecrets(options.Secrets, options.Headers.Values.SelectMany(HttpTemplates.Secrets));
        var exchange = new HttpExchange(options, Invoker(options), new HttpMethod(options.Method), url, options.Headers);
        bool repeatable = EffectOf(options) != ToolEffect.Unsafe;
        HttpAnswer answer;
        try
        {
            answer = await SendAsync(options, exchange, new HttpValues(context, options.Parameters, arguments), secrets, cancellationToken);
        }
        catch (HttpRequestException e) when (IsUnreadable(e) && (repeatable || options.Probe is null))
        {
            // A server must not be able to make every run wait for a person. It answered: what it did is for the model to find out.
            throw new ToolException(
                "The server took the request and answered with headers that cannot be read. Find out whether it did what was asked before you ask it again.",
                e);
        }
        catch (Exception e)
            when (e is HttpRequestException or IOException or TimeoutException && (repeatable || exchange.IsBeforeSending(e)))
        {
            throw new ToolException(secrets.Scrubber.Scrub(Explain(e, options)), e);
        }

        string result = secrets.Scrubber.Scrub(Result(options, answer, repeatable, secrets.Scrubber));
        return new ToolOutput(result) { Content = answer is { IsSuccess: true, Content: { } content } ? [content] : null };
    }

    private static async ValueTask<ProbeResult> ProbeAsync(
        HttpToolOptions options,
        UrlTemplate url,
        ToolContext context,
        JsonElement arguments,
        CancellationToken cancellationToken)
    {
        HttpProbeOptions probe = options.Probe!;
        var secrets = new HttpSecrets(options.Secrets, probe.Headers.Values.SelectMany(HttpTemplates.Secrets));
        var exchange = new HttpExchange(options, Invoker(options), HttpMethod.Get, url, probe.Headers);
        HttpAnswer answer;
        try
        {
            answer = await SendAsync(options, exchange, new HttpValues(context, options.Parameters, arguments), secrets, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
        {
            return ProbeResult.Unknown;
        }

        if (answer.Status == HttpStatusCode.NotFound)
            return ProbeResult.DidNotHappen;
        if (!answer.IsSuccess || answer.Cut)
            return ProbeResult.Unknown;
        if (probe.Select is not { } path)
            return ProbeResult.Happened(secrets.Scrubber.Scrub(answer.Text));
        JsonElement? found = answer.Select(path);
        bool there = found is { ValueKind: not JsonValueKind.Null } value
            && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);
        return there ? ProbeResult.Happened(secrets.Scrubber.Scrub(Text(found!.Value))) : ProbeResult.DidNotHappen;
    }

    private static HttpMessageInvoker Invoker(HttpToolOptions options) => options.AllowPrivateNetworks ? s_any : s_public;

    private static async Task<HttpAnswer> SendAsync(
        HttpToolOptions options,
        HttpExchange exchange,
        HttpValues values,
        HttpSecrets secrets,
        CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout);
        try
        {
            return await exchange.SendAsync(values, secrets, limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && !limit.IsCancellationRequested)
        {
            throw new HttpRequestException(
                HttpRequestError.SecureConnectionError,
                "A connection to the server did not come to stand in time.",
                e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The server did not answer within {options.Timeout.TotalSeconds} s.", e);
        }
    }

    private static string Result(HttpToolOptions options, HttpAnswer answer, bool repeatable, SecretScrubber scrubber)
    {
        int status = (int)answer.Status;
        if (options.StatusTexts.TryGetValue(status, out string? text))
            return text;
        string line = $"The server answered {status} {Cut(answer.Reason)}";
        if (answer.IsSuccess)
            return Success(options, answer, line);
        if (status is >= 300 and < 400)
        {
            string redirect = $"{line} and points to '{Cut(answer.Location?.ToString() ?? "")}', which was not followed.";
            return EffectOf(options) == ToolEffect.ReadOnly ? throw new ToolException(scrubber.Scrub(redirect)) : redirect;
        }

        // Scrubbed before it is cut: half a secret is not known again.
        string excerpt = scrubber.Scrub(answer.Text).Trim();
        string message = scrubber.Scrub(line)
            + (excerpt.Length == 0 ? "." : $": {Cut(excerpt)}");
        if (status < 500 || repeatable)
            throw new ToolException(message);
        throw new HttpRequestException(message, null, answer.Status);
    }

    private static string Cut(string text) => text.Length <= ExcerptLength ? text : text[..ExcerptLength] + "…";

    /// <summary>Whether the server answered with what is no HTTP, or with more headers than are read.</summary>
    private static bool IsUnreadable(HttpRequestException e) =>
        e.HttpRequestError is HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded;

    private static string Success(HttpToolOptions options, HttpAnswer answer, string line)
    {
        if (answer.Text.Length == 0)
            return $"{line}.";
        string cut = answer.Cut ? $"\n[cut off after {options.MaxBytes} bytes]" : "";
        if (options.Select is not { } path)
            return answer.Text + cut;
        if (answer.Select(path) is { } found)
            return Text(found);
        // Its effect took place: an error here would say that it did not.
        return EffectOf(options) == ToolEffect.ReadOnly
            ? throw new ToolException(
                answer.Cut ? $"The answer is longer than {options.MaxBytes} bytes, so '{path}' cannot be taken from it." : $"The answer has no '{path}'.")
            : $"{line}, without '{path}': {answer.Text}{cut}";
    }

    private static string Text(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : JsonText.Write(value.WriteTo);

    private static string Explain(Exception e, HttpToolOptions options)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is AddressRefusedException or TimeoutException)
                return cause.Message;
            if (cause is HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError })
                return "The server's name could not be resolved.";
            if (cause is AuthenticationException)
                return "The server's certificate or TLS could not be trusted; nothing was sent.";
            if (cause is SocketException socket)
                return $"The server could not be reached ({socket.SocketErrorCode}).";
        }

        return $"The connection to the server broke before its answer was complete ({options.Method}).";
    }

    private static void Check(string owner, HttpToolOptions options, UrlTemplate url, UrlTemplate? probeUrl)
    {
        if (!s_methods.Contains(options.Method))
            throw new ArgumentException($"{owner}: the method '{options.Method}' is none of {string.Join(", ", s_methods)}.");
        bool hasBody = options.Body is not null || options.JsonBody;
        if (hasBody && options.Method is "GET" or "HEAD" && hasBody)
            throw new ArgumentException($"{owner}: {options.Method} has no body.");
        if (options.Body is not null && options.JsonBody)
            throw new ArgumentException($"{owner}: give Body or JsonBody, not both.");
        if (options.MaxBytes < 1 || options.Timeout <= TimeSpan.Zero)
            throw new ArgumentException($"{owner} needs MaxBytes of 1 or more and a Timeout of more than zero.");
        if (!HttpExchange.IsAllowed(options.AllowedHosts, url.Host)
            || (probeUrl is not null && !HttpExchange.IsAllowed(options.AllowedHosts, probeUrl.Host)))
            throw new ArgumentException($"{owner}: its own host is not among AllowedHosts.");
        JsonPath.Check(options.Select, owner);
        JsonPath.Check(options.Probe?.Select, owner);
        CheckHeaders(owner, options.Headers);
        CheckHeaders(owner, options.Probe?.Headers ?? new Dictionary<string, string>());
        CheckParameters(owner, options, url, probeUrl);

        string[] bodyNames = options.Body is { } body ? [.. BodyTemplate.Names(body)] : [];
        bool keySent = options.IdempotencyHeader is not null || url.Names.Concat(bodyNames).Contains("idempotency_key");
        if (EffectOf(options) == ToolEffect.Idempotent && !keySent && options.Method is not ("PUT" or "DELETE"))
            throw new ArgumentException(
                $"{owner} is declared idempotent but sends no key: set IdempotencyHeader or use {{idempotency_key}}.");
        if (probeUrl is not null
            && !probeUrl.Names.Contains("idempotency_key")
            && !options.Probe!.Headers.Values.SelectMany(HttpTemplates.Names).Contains("idempotency_key"))
            throw new ArgumentException($"{owner}: its probe does not ask for {{idempotency_key}}.");
    }

    private static void CheckParameters(string owner, HttpToolOptions options, UrlTemplate url, UrlTemplate? probeUrl)
    {
        string[] declared = [.. options.Parameters.Select(p => p.Name)];
        string[] used = [.. url.Names, .. options.Body is { } body ? BodyTemplate.Names(body) : [], .. probeUrl?.Names ?? []];
        if (declared.Intersect(HttpValues.BuiltIn, StringComparer.OrdinalIgnoreCase).FirstOrDefault() is { } taken)
            throw new ArgumentException($"{owner} declares '{taken}', which the runtime gives; choose another name.");
        if (used.Except(declared, StringComparer.Ordinal).Except(
            HttpValues.BuiltIn, StringComparer.Ordinal).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"{owner} uses '{{{unknown}}}', which is not declared.");
        if (!options.JsonBody && declared.Except(used, StringComparer.Ordinal).FirstOrDefault() is { } unused)
            throw new ArgumentException($"{owner} declares '{unused}', which its request does not use.");
        if (options.Parameters.FirstOrDefault(p => !p.Required && p.Default is null && url.PathNames.Contains(p.Name)) is { } optional)
            throw new ArgumentException(
                $"{owner}: the parameter '{optional.Name}' stands in the path, so it must be required or have a default.");
    }

    private static void CheckHeaders(string owner, IReadOnlyDictionary<string, string> headers)
    {
        foreach ((string name, string value) in headers)
        {
            if (name.Length == 0
                || name.Any(c => !char.IsAsciiLetterOrDigit(c) && !"-_.!#$%&'*+^`|~".Contains(c, StringComparison.Ordinal)))
                throw new ArgumentException($"{owner}: '{name}' is not a header's name.");
            if (value.Any(char.IsControl) || !Utf16.IsWhole(value))
                throw new ArgumentException($"{owner}: the header '{name}' holds characters that a header cannot.");
            if (s_ownHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
                throw new ArgumentException($"{owner}: the header '{name}' is not the tool's to set.");
            if (HttpTemplates.Names(value).Except(HttpValues.BuiltIn).FirstOrDefault() is { } parameter)
                throw new ArgumentException(
                    $"{owner}: the header '{name}' holds '{{{parameter}}}'; a header may hold secrets and {string.Join(", ", HttpValues.BuiltIn)} only.");
        }
    }
}
