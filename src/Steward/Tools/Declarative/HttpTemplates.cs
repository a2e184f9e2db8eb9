using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Steward.Tools.Declarative;

/// <summary>Text with <c>{name}</c> and <c>${secret:NAME}</c> in it.</summary>
/// <remarks>Filled in one pass over the template: what stands in a value is never read as a template.</remarks>
internal static partial class HttpTemplates
{
    public static IEnumerable<string> Names(string text) => Parts(text, "name");

    public static IEnumerable<string> Secrets(string text) => Parts(text, "secret");

    /// <summary>The text with each name's value in its place, and each secret's where secrets may stand.</summary>
    public static string Fill(string text, Func<string, string> value, Func<string, string>? secret = null) =>
        Pattern().Replace(text, match => match.Groups["secret"] is { Success: true } name
            ? secret?.Invoke(name.Value) ?? match.Value
            : value(match.Groups["name"].Value));

    /// <summary>The name, when the text is nothing but <c>{name}</c>.</summary>
    public static string? Single(string text) =>
        Pattern().Match(text) is { Success: true } match && match.Length == text.Length && match.Groups["name"] is { Success: true } name
            ? name.Value
            : null;

    private static IEnumerable<string> Parts(string text, string kind) =>
        Pattern().Matches(text).Select(m => m.Groups[kind]).Where(g => g.Success).Select(g => g.Value);

    [GeneratedRegex(@"\$\{secret:(?<secret>[^}]+)\}|(?<!\$)\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}

/// <summary>The values of a call: what the model said and what the runtime gives.</summary>
internal sealed class HttpValues(ToolContext context, IReadOnlyList<ToolParameter> parameters, JsonElement arguments)
{
    public static readonly string[] BuiltIn = SqlTool.BuiltIn;

    public JsonElement? Json(string name) => name switch
    {
        "idempotency_key" or "run_id" or "tenant" or "user" =>
            Text(name) is { } text ? JsonElement.Parse(JsonText.Write(json => json.WriteStringValue(text))) : null,
        _ =>
            ToolParameters.Value(parameters.First(p => p.Name == name), arguments) is { ValueKind: not JsonValueKind.Null } value
                ? value
                : null,
    };

    public string? Text(string name) => name switch
    {
        "idempotency_key" => context.IdempotencyKey,
        "run_id" => context.Run.ToString(),
        "tenant" => context.Tenant,
        "user" => context.User,
        _ => Json(name) is { } value ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText() : null,
    };
}

/// <summary>A URL whose path and query hold parameters; its host is fixed.</summary>
internal sealed class UrlTemplate
{
    private const int MaxLayers = 3;

    private readonly string _origin;
    private readonly string _path;
    private readonly string[] _query;

    public UrlTemplate(string owner, string template)
    {
        int question = template.IndexOf('?', StringComparison.Ordinal);
        string beforeQuery = question < 0 ? template : template[..question];
        _query = question < 0 ? [] : template[(question + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries);
        int authority = beforeQuery.IndexOf("://", StringComparison.Ordinal);
        int slash = authority < 0 ? -1 : beforeQuery.IndexOf('/', authority + 3);
        _origin = slash < 0 ? beforeQuery : beforeQuery[..slash];
        _path = slash < 0 ? "/" : beforeQuery[slash..];
        if (_origin.Contains('{', StringComparison.Ordinal))
            throw new ArgumentException($"{owner}: the host in '{template}' may not be a parameter.");
        if (!Uri.TryCreate(_origin, UriKind.Absolute, out Uri? origin)
            || origin.Scheme is not ("http" or "https")
            || origin.UserInfo.Length > 0)
            throw new ArgumentException($"{owner}: '{template}' does not start with http:// or https:// and a host.");
        if (template.Contains('#', StringComparison.Ordinal) || template.Contains('\\', StringComparison.Ordinal))
            throw new ArgumentException($"{owner}: '{template}' may have no '#' and no '\\'.");
        if (HttpTemplates.Secrets(template).Any())
            throw new ArgumentException($"{owner}: a URL may hold no secret, for URLs end in logs; put it in a header.");
        if (HttpTemplates.Fill(template, _ => "").IndexOfAny(['{', '}']) >= 0)
            throw new ArgumentException($"{owner}: '{template}' has a '{{' or '}}' that is no parameter.");
        Host = origin.Host;
    }

    public string Host { get; }

    public IEnumerable<string> PathNames => HttpTemplates.Names(_path);

    public IEnumerable<string> Names => PathNames.Concat(_query.SelectMany(HttpTemplates.Names));

    /// <exception cref="ToolException">A value cannot stand in a path.</exception>
    public Uri Fill(HttpValues values)
    {
        string path = HttpTemplates.Fill(_path, name => PathValue(name, values.Text(name)));
        // The dots are not escaped, and a URL takes such segments for 'here' and 'up'.
        if (path.Split('/').Any(IsDots))
            throw new ToolException("An argument in the URL's path must not be '.' or '..'.");
        var query = new StringBuilder();
        foreach (string part in _query)
        {
            // A pair whose value was not given is left out.
            if (HttpTemplates.Names(part).Any(name => values.Text(name) is null))
                continue;
            query.Append(query.Length == 0 ? '?' : '&').Append(HttpTemplates.Fill(part, name => Uri.EscapeDataString(values.Text(name)!)));
        }

        return new Uri(_origin + path + query);
    }

    /// <summary>A value as one segment of a path. Servers decode what is escaped, some of them twice: it is judged decoded.</summary>
    private static string PathValue(string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
            throw new ToolException($"The argument '{name}' must not be empty.");
        string decoded = value;
        for (int layer = 0; ; layer++)
        {
            if (decoded.Any(c => c == '\\' || char.IsControl(c)))
                throw new ToolException(
                    $"The argument '{name}' stands in the URL's path: it must hold no backslash and no control character.");
            if (decoded.Split('/').Any(IsDots))
                throw new ToolException($"The argument '{name}' stands in the URL's path: it must have no segment '.' or '..'.");
            string before = decoded;
            decoded = Uri.UnescapeDataString(before);
            if (decoded == before)
                break;
            if (layer == MaxLayers)
                throw new ToolException($"The argument '{name}' is percent-encoded more than {MaxLayers} times over; give it as it is.");
        }

        return Uri.EscapeDataString(value);
    }

    /// <summary>Whether a segment means 'here' or 'up', also with parameters behind it (<c>..;x</c>), as some servers read it.</summary>
    private static bool IsDots(string segment) => segment.Split(';', 2)[0] is "." or "..";
}

/// <summary>A JSON body that holds parameters as JSON values: <c>"{amount}"</c> becomes <c>5</c>, <c>"Dear {name}"</c> a text.</summary>
internal static class BodyTemplate
{
    public static IEnumerable<string> Names(JsonElement template) => template.ValueKind switch
    {
        JsonValueKind.Object => template.EnumerateObject().SelectMany(p => Names(p.Value)),
        JsonValueKind.Array => template.EnumerateArray().SelectMany(Names),
        JsonValueKind.String => HttpTemplates.Names(template.GetString()!),
        _ => [],
    };

    public static void Write(Utf8JsonWriter json, JsonElement template, HttpValues values)
    {
        switch (template.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (JsonProperty property in template.EnumerateObject())
                {
                    if (IsLeftOut(property.Value, values))
                        continue;
                    json.WritePropertyName(property.Name);
                    Write(json, property.Value, values);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (JsonElement item in template.EnumerateArray().Where(i => !IsLeftOut(i, values)))
                    Write(json, item, values);
                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                string text = template.GetString()!;
                if (HttpTemplates.Single(text) is { } name)
                    values.Json(name)!.Value.WriteTo(json);
                else
                    json.WriteStringValue(HttpTemplates.Fill(text, n => values.Text(n) ?? ""));
                break;
            default:
                template.WriteTo(json);
                break;
        }
    }

    private static bool IsLeftOut(JsonElement template, HttpValues values) =>
        template.ValueKind == JsonValueKind.String && HttpTemplates.Single(template.GetString()!) is { } name && values.Json(name) is null;
}
