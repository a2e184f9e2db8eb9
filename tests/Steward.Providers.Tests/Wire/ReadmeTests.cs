using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Steward.Journal;
using Steward.Tests.Shared;

namespace Steward.Providers.Tests.OnTheWire;

/// <summary>Every answer of <c>STEWARD_DATA/wire</c>, through a whole run over loopback, against the right value that its README
/// names.</summary>
public sealed partial class ReadmeTests
{
    private const int Limit = 120_000;

    // What "the answer is used" means for each of the tolerable ones.
    private static readonly Dictionary<string, string> s_used = new(StringComparer.Ordinal)
    {
        ["A07"] = "Hello", ["A08"] = "Hello", ["A25"] = "Hello", ["A15"] = "Hi 😀 there", ["A21d"] = "Hello", ["D07"] = "Hi you", ["D12"] = "Hi", ["E08"] = "Hello",
        ["E09"] = "cut \uFFFD", ["A19"] = "second", ["A20"] = "from claude",
    };

    [Theory(Timeout = Limit)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Answer_OfTheReadme_IsReadRight(bool stream)
    {
        string folder = TestData.Require("wire");
        List<string> wrong = [];
        int files = 0;
        foreach (string file in Directory.GetFiles(folder, "*.answer1.*").Order(StringComparer.Ordinal))
        {
            files++;
            string id = Path.GetFileName(file).Split('-')[0];
            byte[] body = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            if (id == "B11")
                body = Latin(body); // The file has lost what it is about.
            bool isMessages = Encoding.UTF8.GetString(body) is var text
                && (text.Contains("message_start", StringComparison.Ordinal) || text.StartsWith("{\"type\":\"error\"", StringComparison.Ordinal));
            Api api = isMessages ? Api.Anthropic : Api.OpenAI;
            var answer = new WireAnswer(body, IsStream: file.EndsWith(".sse", StringComparison.Ordinal));
            await using var server = new WireServer(i => i == 0 ? answer : Good(api));
            try
            {
                WireRun run = await WireAgent.RunAsync(stream, (api, "m", server.Url));
                Check(id, run, server);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                wrong.Add($"{Path.GetFileName(file)}: {e.Message}");
            }
        }

        Assert.True(files > 50, $"{files} files");
        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
    }

    /// <summary>The bytes with "é" in one byte, which is no UTF-8.</summary>
    private static byte[] Latin(byte[] utf8) => Encoding.Latin1.GetBytes(Encoding.UTF8.GetString(utf8));

    private static WireAnswer Good(Api api) => api == Api.OpenAI
        ? WireAnswer.Events(
            """{"id":"c2","choices":[{"index":0,"delta":{"role":"assistant","content":"done"},"finish_reason":null}]}""",
            """{"id":"c2","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}}""",
            "[DONE]")
        : WireAnswer.Events(
            """{"type":"message_start","message":{"id":"m2","content":[],"usage":{"input_tokens":100,"output_tokens":1}}}""",
            """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"done"}}""",
            """{"type":"content_block_stop","index":0}""",
            """{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":10}}""",
            """{"type":"message_stop"}""");

    private static void Check(string id, WireRun run, WireServer server)
    {
        switch (id)
        {
            case "A01" or "A02" or "B06":
                CheckOpaque(id, run, server);
                break;
            case "A05" or "A05c" or "E03":
                Completed(run, "done");
                Assert.Empty(run.Effects);
                Assert.Empty(run.Of<QuestionAsked>());
                Assert.Contains("are not JSON", run.Told, StringComparison.Ordinal);
                break;
            case "A03" or "A04":
                Completed(run, "done", """find:{"q":"one"}""", """find:{"q":"two"}""");
                break;
            case "B02":
                Completed(run, "done", "wipe:{}", """find:{"q":"old"}""");
                break;
            case "A22":
                Completed(run, "done", """wipe:{"filter":"older than 1 year"}""");
                break;
            case "A06" or "A26" or "B01":
                Completed(run, "done", """find:{"q":"x"}""");
                break;
            case "B01c":
                Completed(run, "done", "find:{}");
                break;
            case "A09":
                Completed(run, string.Concat(Enumerable.Repeat("w ", 20)));
                Assert.Equal(1_020, run.Result.Spent.Tokens);
                break;
            case "B11":
                Completed(run, "caf\uFFFD");
                break;
            default:
                if (s_used.FirstOrDefault(u => id == u.Key) is { Value: { } used })
                    CheckUsed(id, used, run, server);
                else
                    CheckEnding(id, run, server);
                break;
        }
    }

    private static void CheckUsed(string id, string used, WireRun run, WireServer server)
    {
        Completed(run, used);
        Assert.Single(server.Requests);
        if (id == "D12")
            Assert.Equal(5_110, run.Result.Spent.Tokens);
    }

    private static void CheckOpaque(string id, WireRun run, WireServer server)
    {
        Completed(run, "done", """find:{"q":"x"}""");
        JsonNode sent = server.Request(1)["messages"]!.AsArray().Single(m => (string)m!["role"]! == "assistant")!;
        if (id == "A01")
            Assert.Equal("I should look it up.", (string)sent["reasoning_content"]!);
        else if (id == "A02")
            Assert.Equal("c2lnbmF0dXJl", (string)sent["tool_calls"]![0]!["extra_content"]!["google"]!["thought_signature"]!);
        else
            Assert.Equal(("redacted_thinking", "ENCRYPTED1"), ((string)sent["content"]![0]!["type"]!, (string)sent["content"]![0]!["data"]!));
    }

    private static void CheckEnding(string id, WireRun run, WireServer server)
    {
        switch (id)
        {
            case "A11" or "A12" or "C01" or "E06":
                Failed(run, Reasons.ModelRefused);
                Assert.Empty(run.Effects);
                Assert.Single(server.Requests);
                Assert.Equal(id switch { "A11" => "Sure, the first step is", "A12" => "The first half of", "E06" => "I will", _ => null }, run.Result.Output);
                Assert.True(id != "C01" || run.Result.Message!.Contains("I cannot help with that.", StringComparison.Ordinal), run.Result.Message);
                break;
            case "A14":
                Completed(run, "done");
                Assert.Equal("assistant", (string)server.Request(1)["messages"]!.AsArray()[^1]!["role"]!);
                Assert.Equal("Let me search", (string)server.Request(1)["messages"]!.AsArray()[^1]!["content"]![0]!["text"]!);
                break;
            case "A23":
                Completed(run, "done");
                Assert.Equal(Guidance.EmptyAnswer, run.Of<GuidanceAdded>().Single().Reason);
                break;
            case "H10":
                Completed(run, "done");
                Assert.Equal(Guidance.MissingCall, run.Of<GuidanceAdded>().Single().Reason);
                break;
            case "B03":
                Completed(run, "done");
                Assert.Contains("output limit", run.Of<GuidanceAdded>().Single().Text, StringComparison.Ordinal);
                Assert.DoesNotContain("\"content\":\"\"", server.Requests[1], StringComparison.Ordinal);
                break;
            case "B08d" or "C04c" or "A21c":
                Completed(run, "done");
                Assert.Empty(run.Effects);
                Assert.Equal(2, server.Requests.Count);
                Assert.True(id != "A21c" || run.Result.Spent.Tokens == 110, $"{run.Result.Spent.Tokens} tokens");
                break;
            case "A21" or "C04" or "E11":
                Failed(run, id == "E11" ? Reasons.ModelAuthentication : Reasons.ModelRequestInvalid);
                Assert.Single(server.Requests);
                Assert.Contains(id switch { "A21" => "No endpoints found", "C04" => "does not support tools", _ => "invalid x-api-key" }, run.Result.Message, StringComparison.Ordinal);
                Assert.Equal(0, run.Result.Spent.Tokens);
                break;
            default:
                CheckTools(id, run, server);
                break;
        }
    }

    private static void CheckTools(string id, WireRun run, WireServer server)
    {
        Assert.Equal((RunStatus.Completed, "done"), (run.Result.Status, run.Result.Output));
        JsonNode[] sent = [.. server.Request(1)["messages"]!.AsArray().OfType<JsonNode>()];
        switch (id)
        {
            case "A16":
                Assert.Equal("half \uFFFD", (string)JsonNode.Parse(Assert.Single(run.Effects)["find:".Length..])!["q"]!);
                break;
            case "A18":
                Assert.Matches(Name(), (string)sent.Single(m => (string)m["role"]! == "assistant")["tool_calls"]![0]!["function"]!["name"]!);
                break;
            case "A24":
                Assert.False(string.IsNullOrWhiteSpace((string)sent[^1]["content"]![0]!["content"]!));
                break;
            case "C08" or "C08b":
                Assert.Single(run.Of<ToolReturned>());
                break;
            case "C15":
                Assert.Equal(["n:100", "n:3"], run.Effects.Order(StringComparer.Ordinal));
                break;
            case "D05":
                Assert.True((bool)sent[^1]["content"]![0]!["is_error"]!);
                break;
            case "D06":
                Assert.Equal(
                    """{"q":"x","items":[{"sku":"a1","n":1},{"sku":"b2","n":2},{"sku":"c3","n":3}]}""",
                    (string)sent.Single(m => (string)m["role"]! == "assistant")["tool_calls"]![0]!["function"]!["arguments"]!);
                break;
            default:
                Assert.Fail($"Nobody says what is right for {id}.");
                break;
        }
    }

    private static void Completed(WireRun run, string output, params string[] effects)
    {
        Assert.True(run.Result.Status == RunStatus.Completed, $"{run.Result.Status}: {run.Result.Reason} {run.Result.Message}");
        Assert.Equal(output, run.Result.Output);
        Assert.Equal(effects.Order(StringComparer.Ordinal), run.Effects.Order(StringComparer.Ordinal));
    }

    private static void Failed(WireRun run, string reason)
    {
        Assert.True(run.Result.Status == RunStatus.Failed, $"{run.Result.Status}: {run.Result.Output}");
        Assert.Equal(reason, run.Result.Reason);
    }

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,64}$")]
    private static partial Regex Name();
}
