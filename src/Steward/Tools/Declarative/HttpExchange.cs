using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Steward.Journal;

namespace Steward.Tools.Declarative;

/// <summary>One request as a tool describes it: builds it, sends it, follows it, reads the answer to its bound.</summary>
internal sealed class HttpExchange(
    HttpToolOptions options,
    HttpMessageInvoker invoker,
    HttpMethod method,
    UrlTemplate url,
    IReadOnlyDictionary<string, string> headers)
{
    private const int MaxRedirects = 5;

    /// <summary>Headers that hold credentials also where their text is written out.</summary>
    private static readonly string[] s_credentials = ["Authorization", "Cookie", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"];

    private ConnectionGate? _connection;
    private bool _answered;

    /// <summary>Whether a failure came before anything was sent: no connection stood, or TLS did not.</summary>
    public bool IsBeforeSending(Exception failure) =>
        !_answered
            && (
                _connection is not { Stood: true }
                    || failure is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError });

    public async Task<HttpAnswer> SendAsync(HttpValues values, HttpSecrets secrets, CancellationToken cancellationToken)
    {
        HttpMethod verb = method;
        bool sameOrigin = true;
        Uri target;
        ReadOnlyMemory<byte>? body;
        HttpRequestMessage first;
        try
        {
            target = url.Fill(values);
            body = Body(values);
            first = Request(verb, target, body, values, secrets, sameOrigin);
        }
        catch (Exception e) when (e is not (ToolException or OperationCanceledException))
        {
            throw new ToolException("No request can be made of these arguments; nothing was sent.", e);
        }

        for (int hop = 0; ; hop++)
        {
            using HttpRequestMessage request = hop == 0 ? first : Request(verb, target, body, values, secrets, sameOrigin);
            _connection = NetworkPolicy.Gate(request);
            using HttpResponseMessage response = await invoker.SendAsync(request, cancellationToken);
            _answered = true;
            if (!options.FollowRedirects || hop == MaxRedirects || Next(response, target) is not { } next)
                return await HttpAnswer.ReadAsync(response, options.MaxBytes, cancellationToken);
            sameOrigin = sameOrigin
                && Uri.Compare(target, next, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;
            if (response.StatusCode is not (HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect)
                && verb != HttpMethod.Head)
            {
                verb = HttpMethod.Get;
                body = null;
            }

            target = next;
        }
    }

    public static bool IsAllowed(IReadOnlyList<string>? hosts, string host) =>
        hosts is null || hosts.Any(h => h.StartsWith("*.", StringComparison.Ordinal)
            ? host.EndsWith(h[1..], StringComparison.OrdinalIgnoreCase)
            : host.Equals(h, StringComparison.OrdinalIgnoreCase));

    /// <summary>Where a redirect leads, if it may be followed.</summary>
    private Uri? Next(HttpResponseMessage response, Uri from)
    {
        if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
            return null;
        if (!Uri.TryCreate(from, location, out Uri? next))
            return null;
        bool allowed = next.Scheme is "https" || (next.Scheme is "http" && from.Scheme is "http");
        return allowed && next.UserInfo.Length == 0 && IsAllowed(options.AllowedHosts, next.Host) ? next : null;
    }

    private ReadOnlyMemory<byte>? Body(HttpValues values)
    {
        if (method == HttpMethod.Get || method == HttpMethod.Head)
            return null;
        if (options.Body is { } template)
            return JsonText.Bytes(json => BodyTemplate.Write(json, template, values));
        if (!options.JsonBody)
            return null;
        HashSet<string> inUrl = [.. url.Names];
        return JsonText.Bytes(json =>
        {
            json.WriteStartObject();
            foreach (ToolParameter parameter in options.Parameters.Where(p => !inUrl.Contains(p.Name)))
            {
                if (values.Json(parameter.Name) is not { } value)
                    continue;
                json.WritePropertyName(parameter.Name);
                value.WriteTo(json);
            }

            json.WriteEndObject();
        });
    }

    private HttpRequestMessage Request(
        HttpMethod verb,
        Uri target,
        ReadOnlyMemory<byte>? body,
        HttpValues values,
        HttpSecrets secrets,
        bool sameOrigin)
    {
        var request = new HttpRequestMessage(verb, target)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (body is { } bytes)
        {
            request.Content = new ReadOnlyMemoryContent(bytes);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        request.Headers.TryAddWithoutValidation("User-Agent", "Steward");
        request.Headers.ConnectionClose = true;
        foreach ((string name, string template) in headers)
        {
            // Secrecy is a property of the template's parts, whatever their values are.
            bool isSecret = HttpTemplates.Secrets(template).Any() || s_credentials.Contains(name, StringComparer.OrdinalIgnoreCase);
            if (isSecret && !sameOrigin)
                continue;
            string value = HttpTemplates.Fill(template, n => values.Text(n) ?? "", secrets.Get);
            if (value.Any(char.IsControl) || !Utf16.IsWhole(value))
                throw new ToolException(
                    $"The header '{name}' of this tool would hold characters that a header cannot, so nothing was sent; its operator must mend it.");
            request.Headers.Remove(name);
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content?.Headers.TryAddWithoutValidation(name, value);
        }

        if (verb != HttpMethod.Get
            && verb != HttpMethod.Head
            && HttpTool.EffectOf(options) != ToolEffect.ReadOnly
            && options.IdempotencyHeader is { } key)
            request.Headers.TryAddWithoutValidation(key, values.Text("idempotency_key"));
        return request;
    }
}

/// <summary>The secrets of one call, looked up once.</summary>
internal sealed class HttpSecrets
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <exception cref="ToolException">One is missing.</exception>
    public HttpSecrets(ISecretSource source, IEnumerable<string> names)
    {
        foreach (string name in names)
            _values[name] = source.Find(name)
                ?? throw new ToolException($"This tool lacks its secret '{name}'; its operator must set it. Nothing was sent.");
        Scrubber = new SecretScrubber(_values.Values);
    }

    public SecretScrubber Scrubber { get; }

    public string Get(string name) => _values[name];
}

/// <summary>An answer, read to its bound.</summary>
internal sealed record HttpAnswer(HttpStatusCode Status, string Reason, Uri? Location, string Text, bool Cut, bool IsText)
{
    /// <summary>What it holds when that is an image or a document that models take, and whole.</summary>
    public ContentPart? Content { get; private init; }

    public bool IsSuccess => (int)Status is >= 200 and < 300;

    public static async Task<HttpAnswer> ReadAsync(HttpResponseMessage response, int maxBytes, CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>();
        bool cut = false;
        await using (Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken))
        {
            while (true)
            {
                Memory<byte> room = buffer.GetMemory(16 * 1024);
                int read = await stream.ReadAsync(room, cancellationToken);
                if (read == 0)
                    break;
                int wanted = Math.Min(read, maxBytes - buffer.WrittenCount);
                buffer.Advance(wanted);
                if (wanted < read)
                {
                    cut = true;
                    break;
                }
            }
        }

        string type = response.Content.Headers.ContentType?.MediaType ?? "";
        bool isText = type.Length == 0 || type.StartsWith("text/", StringComparison.OrdinalIgnoreCase)
            || type.Contains("json", StringComparison.OrdinalIgnoreCase) || type.Contains("xml", StringComparison.OrdinalIgnoreCase)
            || type.Contains("yaml", StringComparison.OrdinalIgnoreCase)
                || type.Contains("urlencoded", StringComparison.OrdinalIgnoreCase)
                || type.Contains("javascript", StringComparison.OrdinalIgnoreCase);
        ContentPart? content = !isText && !cut && ToolContents.IsTaken(type)
            ? new DataPart(type.ToLowerInvariant(), buffer.WrittenSpan.ToArray())
            : null;
        string text = isText ? Decode(response, buffer.WrittenSpan, cut) : $"[{buffer.WrittenCount} bytes of {type}]";
        return new HttpAnswer(
            response.StatusCode,
            response.ReasonPhrase ?? response.StatusCode.ToString(),
            response.Headers.Location,
            text,
            cut,
            isText)
        {
            Content = content,
        };
    }

    /// <summary>The part at a JSON pointer or dotted path; null when it is not there or the answer is not JSON.</summary>
    public JsonElement? Select(string path)
    {
        try
        {
            return JsonPath.Parse(path).Find(JsonElement.Parse(Text));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Decode(HttpResponseMessage response, ReadOnlySpan<byte> bytes, bool cut)
    {
        Encoding encoding = Encoding.UTF8;
        try
        {
            if (response.Content.Headers.ContentType?.CharSet is { Length: > 0 } charset)
                encoding = Encoding.GetEncoding(charset.Trim('"'));
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            // An encoding that nobody knows, or that is not safe to read (UTF-7), is read as UTF-8.
        }

        string text = encoding.GetString(bytes);
        return cut ? text.TrimEnd('\uFFFD') : text;
    }
}
