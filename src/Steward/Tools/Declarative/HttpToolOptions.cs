using System.Text.Json;
using Steward.Journal;

namespace Steward.Tools.Declarative;

/// <summary>A tool that makes one HTTP request.</summary>
public sealed record HttpToolOptions : DeclaredToolOptions
{
    /// <summary>The method.</summary>
    /// <value><c>GET</c>.</value>
    public string Method { get; init; } = "GET";

    /// <summary>The URL, for example <c>https://api.example.com/users/{id}?q={query}</c>. Values are
    /// percent-encoded; a query pair without its value is left out; the host is fixed.</summary>
    /// <remarks>Beside the declared parameters there are <c>{idempotency_key}</c>,
    /// <c>{run_id}</c>, <c>{tenant}</c> and <c>{user}</c>.</remarks>
    public required string Url { get; init; }

    /// <summary>Headers. A value may hold <c>${secret:NAME}</c>, and what the runtime gives, but nothing that the model says.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>A JSON body in which texts hold parameters: <c>"{amount}"</c> becomes the parameter's JSON value.</summary>
    public JsonElement? Body { get; init; }

    /// <summary>Whether the body is an object of all parameters that the URL does not use.</summary>
    public bool JsonBody { get; init; }

    /// <summary>What it does to the world.</summary>
    /// <value><see cref="ToolEffect.ReadOnly"/> for GET and HEAD, otherwise <see cref="ToolEffect.Unsafe"/>.</value>
    public ToolEffect? Effect { get; init; }

    /// <summary>The header that bears the idempotency key of a call that is not read-only; null for none.</summary>
    /// <value><c>Idempotency-Key</c>.</value>
    public string? IdempotencyHeader { get; init; } = "Idempotency-Key";

    /// <summary>The part of a JSON answer that is the result: a JSON pointer
    /// (<c>/items/0/id</c>) or a dotted path (<c>items.0.id</c>).</summary>
    public string? Select { get; init; }

    /// <summary>Results by status, instead of what that status would be: <c>404</c> → "There is no such user."</summary>
    public IReadOnlyDictionary<int, string> StatusTexts { get; init; } = new Dictionary<int, string>();

    /// <summary>Most bytes of an answer that are read.</summary>
    /// <value>1 MiB.</value>
    public int MaxBytes { get; init; } = 1024 * 1024;

    /// <summary>Whether redirects are followed, 5 at most, never from https to http, and without secrets to another origin.</summary>
    public bool FollowRedirects { get; init; }

    /// <summary>Whether addresses that are not of the public Internet may be reached.</summary>
    public bool AllowPrivateNetworks { get; init; }

    /// <summary>The only hosts that may be reached, redirects included:
    /// <c>api.example.com</c>, <c>*.example.com</c>. Null for any.</summary>
    public IReadOnlyList<string>? AllowedHosts { get; init; }

    /// <summary>Where secrets come from.</summary>
    /// <value>Environment variables.</value>
    public ISecretSource Secrets { get; init; } = new EnvironmentSecrets();

    /// <summary>A GET that finds out whether a lost call took effect.</summary>
    public HttpProbeOptions? Probe { get; init; }
}

/// <summary>How to find out whether a lost call took effect: 404 means that
/// it did not; 2xx that it did, if what is selected is there.</summary>
public sealed record HttpProbeOptions
{
    /// <summary>The URL, with <c>{idempotency_key}</c> and, if wanted, the tool's parameters.</summary>
    public required string Url { get; init; }

    /// <inheritdoc cref="HttpToolOptions.Headers"/>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The part of the answer that is the result. When it is missing,
    /// null or an empty list, the effect did not take place.</summary>
    public string? Select { get; init; }
}
