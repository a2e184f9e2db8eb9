using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Declarative;
using Steward.Models;

namespace Steward.Cli.Checks;

/// <summary>Whether an agent's models can be called: keys, endpoints, prices.</summary>
internal static class AgentChecks
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    public static async Task<IReadOnlyList<Check>> RunAsync(
        AgentFile file,
        ModelCatalog catalog,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        List<Check> checks = [];
        ModelTarget[] targets = [.. file.Agent.Routes.Values.SelectMany(r => r.Targets).Distinct()];
        Dictionary<string, Uri> endpoints = new(StringComparer.Ordinal);
        foreach (ModelTarget target in targets)
        {
            checks.Add(Price(target, catalog));
            if (Client(file, target, endpoints) is { } trouble)
                checks.Add(trouble);
        }

        checks.Insert(0, Speaker(file, endpoints.Count > 0));
        foreach ((string provider, Uri endpoint) in endpoints)
            checks.Add(await ReachAsync(provider, endpoint, time, cancellationToken));
        return checks;
    }

    private static Check Speaker(AgentFile file, bool isReal) => isReal
        ? Check.Ok("model", file.ModelDescription)
        : Check.Warn(
            "model",
            $"{file.ModelDescription} (no key of a real one is set, or the agent names none)",
            "Set ANTHROPIC_API_KEY, or OPENAI_API_KEY (with OPENAI_BASE_URL for another endpoint).");

    private static Check Price(ModelTarget target, ModelCatalog catalog)
    {
        string name = $"{target.Provider}/{target.Model}";
        return catalog.Find(target.Provider, target.Model) is { } info
            ? Check.Ok("price", $"{name}: ${info.InputPerMillion:0.##} in, ${info.OutputPerMillion:0.##} out per million tokens")
            : Check.Fail("price", $"{name} has no known price, so every call of it is refused", "Add it under 'prices:' in agent.yaml.");
    }

    /// <summary>Makes the client, which needs its key, and asks it where it calls.</summary>
    private static Check? Client(AgentFile file, ModelTarget target, Dictionary<string, Uri> endpoints)
    {
        if (!file.Providers.TryGetValue(target.Provider, out Func<ModelTarget, IChatClient>? create))
            return Check.Fail("model", $"'{target.Provider}' is not a provider of this agent", "Mend 'models:' in agent.yaml.");
        try
        {
            using IChatClient client = create(target);
            if (client.GetService(typeof(ChatClientMetadata)) is ChatClientMetadata { ProviderUri: { } endpoint }
                && endpoint.Scheme is "http" or "https")
                endpoints.TryAdd(target.Provider, endpoint);
            return null;
        }
        catch (Exception e) when (e is StewardException or ArgumentException or InvalidOperationException)
        {
            return Check.Fail("key", $"{target.Provider}/{target.Model}: {e.Message}", "Set the key that the message names.");
        }
    }

    /// <summary>Any answer will do: it is only asked whether there is one.</summary>
    private static async Task<Check> ReachAsync(string provider, Uri endpoint, TimeProvider time, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        using var patience = new CancellationTokenSource(s_patience, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        using var http = new HttpClient();
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, endpoint);
            using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, linked.Token);
            return Check.Ok("endpoint", $"{provider}: {endpoint.Authority} answers in {time.GetElapsedTime(start).TotalMilliseconds:0} ms");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            string why = e is OperationCanceledException ? $"no answer within {s_patience.TotalSeconds:0} s" : e.Message;
            return Check.Fail(
                "endpoint", $"{provider}: {endpoint} cannot be reached: {why}", "Check the network, the proxy and the base URL.");
        }
    }
}
