using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

/// <summary>A <c>steward serve</c> in a process of its own, and a client of it.</summary>
internal sealed class ServeProcess : IDisposable
{
    private ServeProcess(CliProcess process, string address, string? key)
    {
        Process = process;
        Client = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(3) };
        if (key is not null)
            Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public CliProcess Process { get; }

    public HttpClient Client { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Waits until a process that was started with <c>--json</c> serves.</summary>
    public static async Task<ServeProcess> OfAsync(CliProcess process, string? key)
    {
        await process.SeesAsync("\"type\":\"serving\"");
        await CliProcess.UntilAsync(() => process.Output.Split('\n').Any(l => l.Contains("\"serving\"", StringComparison.Ordinal) && l.EndsWith('}')));
        string line = process.Output.Split('\n').Single(l => l.Contains("\"serving\"", StringComparison.Ordinal));
        return new ServeProcess(process, JsonElement.Parse(line).GetProperty("address").GetString()!, key);
    }

    /// <summary>Makes a key and gives it.</summary>
    public static async Task<string> KeyAsync(AgentFolder folder, string name, string tenant, params string[] roles)
    {
        CliResult made = await folder.RunAsync(["key", "create", name, "--tenant", tenant, "--file", "keys.json", "--json", .. roles.SelectMany(r => (string[])["--role", r])]);
        made.Is(ExitCodes.Ok);
        return JsonElement.Parse(made.Output).GetProperty("key").GetString()!;
    }

    /// <summary>Starts a run and gives its id.</summary>
    public async Task<string> StartAsync(string input)
    {
        using HttpResponseMessage response = await Client.PostAsJsonAsync("/v1/runs", new { agent = "helper", input }, Token);
        string text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text).GetProperty("run").GetString()!;
    }

    public async Task<JsonElement> GetAsync(string path) => JsonElement.Parse(await Client.GetStringAsync(path, Token));

    /// <summary>The lines of a run's stream of events, as they come.</summary>
    public async IAsyncEnumerable<string> StreamAsync(string run, long? lastEventId = null, string query = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/runs/{run}/events{query}");
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (lastEventId is { } id)
            request.Headers.Add("Last-Event-ID", $"{id}");
        using HttpResponseMessage response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token));
        while (await reader.ReadLineAsync(Token) is { } line)
            yield return line;
    }

    public void Dispose()
    {
        Client.Dispose();
        Process.Dispose();
    }
}
