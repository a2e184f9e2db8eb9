using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Steward.ClusterBench.Ledger;
using Steward.Journal;
using Steward.Tools;

namespace Steward.ClusterBench.Node;

/// <summary>The tools of the agents: each call goes to the ledger's server, with its idempotency key and the epoch as a fencing token.</summary>
internal sealed class HttpTools(NodeOptions options) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(options.Ledger), Timeout = TimeSpan.FromSeconds(30) };

    public IReadOnlyList<ToolDefinition> All =>
    [
        Define("look", ToolEffect.ReadOnly),
        Define("put", ToolEffect.Idempotent),
        Define("pay", ToolEffect.Unsafe, probe: true),
        Define("send", ToolEffect.Unsafe),
    ];

    public void Dispose() => _http.Dispose();

    private ToolDefinition Define(string name, ToolEffect effect, bool probe = false) => new(
        name,
        $"{name} ({effect}).",
        JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"""),
        (context, _, cancellationToken) => BrokenTools.Is(options.Defect, context.Tool) is { } defect
            ? defect(() => CallAsync(context, effect, cancellationToken))
            : CallAsync(context, effect, cancellationToken))
    {
        Effect = effect,
        Probe = probe ? (context, _, cancellationToken) => ProbeAsync(context, effect, cancellationToken) : null,
        Timeout = TimeSpan.FromSeconds(20),
    };

    private async ValueTask<ToolOutput> CallAsync(ToolContext context, ToolEffect effect, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync("call", Request(context, effect), cancellationToken);
        answer.EnsureSuccessStatusCode();
        return new ToolOutput(await answer.Content.ReadAsStringAsync(cancellationToken));
    }

    private async ValueTask<ProbeResult> ProbeAsync(ToolContext context, ToolEffect effect, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync("probe", Request(context, effect), cancellationToken);
        return answer.StatusCode switch
        {
            HttpStatusCode.OK => ProbeResult.Happened("done, as the probe says"),
            HttpStatusCode.NotFound => ProbeResult.DidNotHappen,
            _ => ProbeResult.Unknown,
        };
    }

    private static ToolRequest Request(ToolContext context, ToolEffect effect) => new(context.IdempotencyKey, context.Run.Value, context.Tool, NameOf(effect), context.Epoch);

    private static string NameOf(ToolEffect effect) => effect switch
    {
        ToolEffect.ReadOnly => "read_only",
        ToolEffect.Idempotent => "idempotent",
        _ => "unsafe",
    };
}
