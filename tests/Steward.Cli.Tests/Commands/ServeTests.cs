using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Steward.AspNetCore;
using Steward.Cli.Serving;

namespace Steward.Cli.Tests.Commands;

/// <summary><c>steward serve</c> as a real process, asked over HTTP. The models are scripted.</summary>
public sealed class ServeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Serve_WithKeys_StartsStreamsAndRefusesOthers()
    {
        using var folder = new AgentFolder();
        string key = await ServeProcess.KeyAsync(folder, "shop", "acme"), other = await ServeProcess.KeyAsync(folder, "desk", "beta");
        using ServeProcess server = await ServeProcess.OfAsync(folder.Start("serve", ".", "--listen", "127.0.0.1:0", "--keys", "keys.json", "--drain-delay", "5", "--json"), key);

        string run = await server.StartAsync("Hello");
        List<string> lines = [];
        await foreach (string line in server.StreamAsync(run))
            lines.Add(line);
        Assert.Equal("event: run.completed", lines.Last(l => l.StartsWith("event:", StringComparison.Ordinal)));
        JsonElement ended = await server.GetAsync($"/v1/runs/{run}?wait=30");
        Assert.Equal(("completed", "Good morning.", "acme"), (ended.GetProperty("status").GetString(), ended.GetProperty("output").GetString(), ended.GetProperty("tenant").GetString()));

        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(server.Client, "/v1/runs", r => r.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key[..^1] + "x")));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(server.Client, $"/v1/runs/{run}", r => r.Headers.Authorization = new AuthenticationHeaderValue("Bearer", other)));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server.Client, "/readyz", r => r.Headers.Host = "10.0.0.1:80"));
        server.Process.Signal(CliProcess.Terminate);
        HttpStatusCode ready;
        while ((ready = await AskAsync(server.Client, "/readyz")) == HttpStatusCode.OK)
        {
            // It has not heard the signal yet.
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready);
        (await server.Process.EndAsync()).Is(ExitCodes.Ok);
        Assert.DoesNotContain(key, server.Process.Output + server.Process.Error + await File.ReadAllTextAsync(Path.Combine(folder.Path, "keys.json"), Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_Sigterm_EndsStreamsSaysItIsNotReadyAndGivesRunsBack()
    {
        using var folder = new AgentFolder(AgentFolder.VerySlow);
        string key = await ServeProcess.KeyAsync(folder, "shop", "acme");
        var keys = new Dictionary<string, string> { [KeyFile.Variable] = await File.ReadAllTextAsync(Path.Combine(folder.Path, "keys.json"), Token) };
        using ServeProcess server = await ServeProcess.OfAsync(CliProcess.Start(folder.Path, keys, ["serve", ".", "--listen", "127.0.0.1:0", "--json"]), key);
        string run = await server.StartAsync("Hello");
        List<string> lines = [];
        await foreach (string line in server.StreamAsync(run))
        {
            lines.Add(line);
            if (line == "event: tool.returned")
                server.Process.Signal(CliProcess.Terminate);
        }

        // The model is asked for 10 seconds more, and so long the server answers.
        Assert.Contains("come again with Last-Event-ID", lines.Last(l => l.StartsWith(':')), StringComparison.Ordinal);
        Assert.DoesNotContain("event: run.completed", lines);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync(server.Client, "/readyz"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server.Client, "/healthz"));
        using (HttpResponseMessage refused = await server.Client.PostAsync("/v1/runs", new StringContent("""{"agent":"helper","input":"Hello"}""", Encoding.UTF8, "application/json"), Token))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        (await server.Process.EndAsync()).Is(ExitCodes.Ok);

        JsonElement given = (await folder.JsonAsync("runs")).GetProperty("runs")[0];
        Assert.Equal(JsonValueKind.Null, given.GetProperty("worker").ValueKind);
        Assert.NotEqual("completed", given.GetProperty("status").GetString());
    }

    [Fact]
    public async Task Serve_WithoutKeys_IsForThisMachineAlone()
    {
        using var folder = new AgentFolder();
        CliResult open = await folder.RunAsync("serve", ".", "--listen", "0.0.0.0:0");
        open.Is(ExitCodes.Usage);
        Assert.Contains("--keys keys.json", open.Error, StringComparison.Ordinal);

        using ServeProcess server = await ServeProcess.OfAsync(folder.Start("serve", ".", "--listen", "127.0.0.1:0", "--json"), key: null);
        await CliProcess.UntilAsync(() => server.Process.Error.Contains("no API keys", StringComparison.Ordinal));
        string own = server.Client.BaseAddress!.GetLeftPart(UriPartial.Authority);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server.Client, "/v1/runs"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server.Client, "/v1/runs", r => r.Headers.Add("Origin", own)));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server.Client, "/v1/runs", r => r.Headers.Host = "localhost:1234"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(server.Client, "/v1/runs", r => r.Headers.Host = "evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(server.Client, "/v1/runs", r => r.Headers.Host = "127.0.0.1.evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(server.Client, "/v1/runs", r => r.Headers.Add("Origin", "http://evil.example")));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(server.Client, "/v1/runs", r => r.Headers.Add("Origin", "null")));
        Assert.Equal("completed", (await server.GetAsync($"/v1/runs/{await server.StartAsync("Hello")}?wait=30")).GetProperty("status").GetString());
    }

    /// <summary>The API and the workers of one process have containers of their own; text goes from one to the other.</summary>
    [Fact]
    public async Task Serve_StreamWithDeltas_HearsItsOwnWorkers()
    {
        using var folder = new AgentFolder(AgentFolder.Slow.Replace("6s", "2s", StringComparison.Ordinal));
        using ServeProcess server = await ServeProcess.OfAsync(folder.Start("serve", ".", "--listen", "127.0.0.1:0", "--json"), key: null);
        List<string> lines = [];
        await foreach (string line in server.StreamAsync(await server.StartAsync("Hello"), query: "?deltas=true"))
            lines.Add(line);

        IEnumerable<JsonElement> deltas = lines.Index().Where(l => l.Item == "event: text.delta").Select(l => JsonElement.Parse(lines[l.Index + 1]["data: ".Length..]));
        Assert.Equal("Good morning.", string.Concat(deltas.Where(d => d.GetProperty("turn").GetInt32() == 2).Select(d => d.GetProperty("text").GetString())));
    }

    [Theory]
    [InlineData("--listen is 'here'", "--listen", "here")]
    [InlineData("--listen is '127.0.0.1:70000'", "--listen", "127.0.0.1:70000")]
    [InlineData("There is no key file 'none.json'", "--keys", "none.json")]
    [InlineData("'agent.yaml' is not JSON", "--keys", "agent.yaml")]
    [InlineData("--drain-delay must be", "--drain-delay", "-1")]
    [InlineData("The agent 'helper' is there twice", ".")]
    public async Task Serve_Misused_SaysWhatAndTheRemedy(string says, params string[] args)
    {
        using var folder = new AgentFolder();
        CliResult refused = await folder.RunAsync(["serve", ".", .. args]);
        refused.Is(ExitCodes.Usage);
        Assert.Contains(says, refused.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("8080", "127.0.0.1:8080", true)]
    [InlineData("localhost:0", "127.0.0.1:0", true)]
    [InlineData("127.0.0.5:80", "127.0.0.5:80", true)]
    [InlineData("[::1]:80", "[::1]:80", true)]
    [InlineData("*:80", "[::]:80", false)]
    [InlineData("0.0.0.0:80", "0.0.0.0:80", false)]
    [InlineData("192.168.1.2:80", "192.168.1.2:80", false)]
    public void Listen_IsReadAsPeopleWriteIt(string text, string address, bool isLoopback)
    {
        ListenAddress listen = ListenAddress.Parse(text);
        Assert.Equal((address, isLoopback), (listen.ToString(), listen.IsLoopback));
    }

    [Theory]
    [InlineData("{}", "holds no keys")]
    [InlineData("""{"keys":[]}""", "holds no keys")]
    [InlineData("""{"keys":[{"name":"a","sha256":"00"}]}""", "keys[0] needs a 'tenant'")]
    [InlineData("""{"keys":[{"name":"a","tenant":"acme","sha256":"00"}]}""", "64 hexadecimal digits")]
    [InlineData("""{"keys":[{"name":"a","tenant":"acme","key":"stw_1"}]}""", "a field 'key'")]
    public void Keys_ThatCannotBeRead_AreNamed(string json, string says)
    {
        UsageException e = Assert.Throws<UsageException>(() => KeyFile.Read(json, "'keys.json'"));
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("stw_1", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_AreAddedToAFileThatOnlyItsOwnerReads()
    {
        using var folder = new AgentFolder();
        string file = Path.Combine(folder.Path, "keys.json");
        KeyFile.Add(file, new StewardApiKey("shop", "acme", [], StewardApiKey.Hash("one")));
        KeyFile.Add(file, new StewardApiKey("ops", null, ["administrator"], StewardApiKey.Hash("two")));
        Assert.Throws<UsageException>(() => KeyFile.Add(file, new StewardApiKey("ops", null, [], StewardApiKey.Hash("three"))));

        IReadOnlyList<StewardApiKey> keys = KeyFile.Load(file);
        Assert.Equal([("shop", "acme"), ("ops", null)], keys.Select(k => (k.Name, k.Tenant)));
        Assert.Equal(["administrator"], keys[1].Roles);
        Assert.Equal(StewardApiKey.Hash("two"), keys[1].Sha256.ToArray());
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient client, string path, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        change?.Invoke(request);
        using HttpResponseMessage response = await client.SendAsync(request, Token);
        return response.StatusCode;
    }
}
