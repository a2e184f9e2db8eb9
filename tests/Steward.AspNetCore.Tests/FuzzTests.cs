using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.AspNetCore.Tests;

/// <summary>Bodies that are nearly right, from a seed: nothing is answered with 500, and every run can be loaded, listed and cancelled.</summary>
public sealed class FuzzTests : IAsyncLifetime
{
    private const int Seed = 20_261_201;

    private static readonly string[] s_texts =
    [
        "\"Hello\"", "\"\"", "\" \"", "\"\\ud800\"", "\"\\udc00x\"", "\"a\\u0000b\"", "\"\\u202e\"", "\"x\\nerror: forged\"", "\"\\ud83d\\ude00\"",
        "\"ș 你好\"", "\"" + new string('k', 300) + "\"", "\"image/png\"", "\"AAAA\"", "\"https://example.com/\"", "\"approve\"", "\"reject\"", "\"s1\"",
    ];

    private static readonly string[] s_values =
    [
        .. s_texts, .. s_texts, "null", "true", "0", "-1", "1e400", "1e-400", "0.1", "99999999999999999999", "[]", "{}", "[[[[1]]]]", "{\"a\":1,\"a\":2}",
        new string('[', 60) + new string(']', 60), "{\"usd\":1}", "{\"usd\":-1}", "{\"ticket\":\"7\"}", "{\"a b\":\"c\"}", "{\"x\":\"\\ud800\"}", "NaN", "\"open", "{",
        "[{\"is\":\"text\",\"text\":\"Hi\"}]", "[{\"is\":\"data\",\"mediaType\":\"image/png\",\"data\":\"AAAA\"}]",
        "[{\"is\":\"data\",\"mediaType\":\"image/png;x\",\"data\":\"AAAA\"}]", "[{\"is\":\"uri\",\"mediaType\":\"a/b\",\"uri\":\"https://\\u0000\"}]",
        "[{\"is\":\"opaque\"}]", "[{\"is\":\"call\",\"id\":\"1\",\"name\":\"x\"}]",
    ];

    private static readonly (string Path, string[] Fields)[] s_doors =
    [
        ("/v1/runs", ["agent", "input", "key", "session", "session_policy", "user", "tenant", "labels", "ceilings", "other"]),
        ("/v1/runs/{run}/messages", ["text", "key", "other"]),
        ("/v1/runs/{run}/signals", ["name", "payload", "key"]),
        ("/v1/runs/{run}/feedback", ["score", "comment", "turn", "key"]),
        ("/v1/runs/{run}/cancel", ["reason", "key"]),
        ("/v1/approvals/{approval}/decision", ["answer", "note", "arguments", "binding", "result", "key"]),
    ];

    private readonly TestDatabase _database = new();
    private ApiServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await ApiServer.StartAsync(_database);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task Bodies_NearlyRight_NeverFailTheServerNorMakeARunThatCannotBeLoaded()
    {
        var random = new Random(Seed);
        (string run, string approval) = await _server.AskAsync();
        var clock = Stopwatch.StartNew();
        TimeSpan most = TimeSpan.FromSeconds(SuiteSize.Of(quick: 3, full: 60));
        for (int i = 0; clock.Elapsed < most && i < 20_000; i++)
        {
            (string path, string[] fields) = s_doors[random.Next(s_doors.Length)];
            byte[] body = Body(random, fields);
            path = path.Replace("{run}", run, StringComparison.Ordinal).Replace("{approval}", approval, StringComparison.Ordinal);
            using HttpRequestMessage request = ApiServer.Request("POST", path, "acme-boss");
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            ApiAnswer answer = await _server.SendAsync(request);
            Assert.True((int)answer.Status < 500, $"Step {i} of seed {Seed}: {path} answered {answer.Status} to {Encoding.UTF8.GetString(body)}: {answer.Text}");
        }

        await CheckRunsAsync();
    }

    private async Task CheckRunsAsync()
    {
        IReadOnlyList<RunInfo> runs = await _server.Store.FindAsync(new RunQuery { Limit = 100_000 }, ApiServer.Token);
        Assert.True(runs.Count > 1, "No body was right.");
        Assert.Equal(HttpStatusCode.OK, (await _server.SendAsync("GET", "/v1/runs?limit=1000")).Status);
        Assert.Empty(await _server.Store.GetService<IVerifiableStore>()!.VerifyAsync(cancellationToken: ApiServer.Token));
        foreach (RunInfo run in runs)
        {
            RunState state = await RunJournal.LoadAsync(_server.Store, run.Run, ApiServer.Token);
            Assert.True(state.Sequence >= 1);
            if (!run.Status.IsTerminal())
                await _server.SendAsync("POST", $"/v1/runs/{run.Run}/cancel");
        }

        foreach (RunInfo run in runs)
        {
            string status = (await _server.SettledAsync(run.Run.ToString())).GetProperty("status").GetString()!;
            Assert.True(status is "completed" or "cancelled" or "failed", $"Run {run.Run} is {status}.");
        }
    }

    private static byte[] Body(Random random, string[] fields)
    {
        var body = new StringBuilder("{");
        foreach (string field in fields)
        {
            if (field is not ("agent" or "input") && random.Next(fields.Length) > 1)
                continue;
            string value = (field, random.Next(3)) switch
            {
                ("agent", > 0) => "\"helper\"",
                ("input", > 0) => s_texts[random.Next(s_texts.Length)],
                _ when random.Next(2) == 0 => s_texts[random.Next(s_texts.Length)],
                _ => s_values[random.Next(s_values.Length)],
            };
            body.Append(body.Length > 1 ? "," : "").Append('"').Append(field).Append("\":").Append(value);
        }

        byte[] bytes = Encoding.UTF8.GetBytes(body.Append('}').ToString());
        if (random.Next(4) == 0)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }
}
