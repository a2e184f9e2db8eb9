using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Models;
using Steward.Tests.Shared;

namespace Steward.Providers.Tests.OnTheWire;

/// <summary>Answers that were damaged at random, byte by byte and field by field: no error but the documented one, no call with arguments
/// that were not sent, no count that sinks.</summary>
public sealed class FuzzTests
{
    private static readonly string s_chat = string.Concat(((string[])
    [
        """{"id":"c1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi \ud83d","reasoning_content":"hm"},"finish_reason":null}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{"content":"\ude00","tool_calls":[{"index":0,"id":"a","type":"function","extra_content":{"x":1},"function":{"name":"wipe","arguments":"{\"filter\":"}}]}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"old\"}"}},{"index":1,"id":"b","function":{"name":"wipe","arguments":"{\"filter\":\"new\"}"}}]}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
        """{"id":"c1","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110,"completion_tokens_details":{"reasoning_tokens":5}}}""",
        "[DONE]",
    ]).Select(e => $"data: {e}\n\n"));

    private static readonly string s_messages = string.Concat(((string[])
    [
        """{"type":"message_start","message":{"id":"m1","model":"m","content":[],"usage":{"input_tokens":100,"output_tokens":1}}}""",
        """{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}""",
        """{"type":"content_block_stop","index":0}""",
        """{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"wipe","input":{}}}""",
        """{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"filter\":"}}""",
        """{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"\"old\"}"}}""",
        """{"type":"content_block_stop","index":1}""",
        """{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"b","name":"wipe","input":{"filter":"new"}}}""",
        """{"type":"content_block_stop","index":2}""",
        """{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":10}}""",
        """{"type":"message_stop"}""",
    ]).Select(e => $"data: {e}\n\n"));

    /// <summary>Seeded, so that a failure can be repeated; for a minute at full size, for a second otherwise.</summary>
    [Theory]
    [InlineData(Api.OpenAI, true)]
    [InlineData(Api.OpenAI, false)]
    [InlineData(Api.Anthropic, true)]
    [InlineData(Api.Anthropic, false)]
    public async Task Answer_DamagedAtRandom_NothingButTheDocumented(Api api, bool byFields)
    {
        string good = api == Api.OpenAI ? s_chat : s_messages;
        long end = Stopwatch.GetTimestamp() + Stopwatch.Frequency * SuiteSize.Of(1, 15);
        int answers = 0;
        for (int seed = 0; Stopwatch.GetTimestamp() < end || seed < 500; seed++)
        {
            var random = new Random(seed);
            byte[] body = byFields ? ByFields(good, random) : ByBytes(good, random);
            answers += await ReadAsync(api, body, byFields, $"seed {seed}: {Encoding.UTF8.GetString(body)}") ? 1 : 0;
        }

        Assert.True(answers > 0, "No damaged answer was read at all.");
    }

    private static async Task<bool> ReadAsync(Api api, byte[] body, bool byFields, string because)
    {
        ChatResponse response;
        try
        {
            using IChatClient client = CannedAnswer.Client(api, body);
            CancellationToken token = TestContext.Current.CancellationToken;
            response = await client.GetStreamingResponseAsync("hi", cancellationToken: token).ToChatResponseAsync(token);
        }
        catch (ModelException e)
        {
            Assert.False(e.Usage?.InputTokenCount < 0 || e.Usage?.OutputTokenCount < 0, because);
            Assert.True(e.InnerException is null or JsonException or ModelException, $"{e.InnerException} {because}");
            return false;
        }

        foreach (FunctionCallContent call in response.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>())
        {
            // A changed byte may lie within the arguments, and is then what was sent; a changed field is never made into other arguments.
            string arguments = JsonSerializer.Serialize(call.Arguments);
            if (byFields && call.Exception is null && call.Name == "wipe")
                Assert.True(arguments.Contains("\"old\"") || arguments.Contains("\"new\""), $"{arguments} {because}");
        }

        Assert.True(response.Usage?.InputTokenCount is null or (> 0 and <= 1_000_000_000), because);
        Assert.True(response.Usage?.OutputTokenCount is null or (>= 0 and <= 1_000_000_000), because);
        return true;
    }

    private static byte[] ByBytes(string good, Random random)
    {
        List<byte> bytes = [.. Encoding.UTF8.GetBytes(good)];
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveAt(at);
                    break;
                case 2:
                    bytes.Insert(at, (byte)"\"\\{}[],:\n\r0-e\0\xFF"[random.Next(15)]);
                    break;
                default:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at - 1, random.Next(1, 40)));
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Replaces, drops or doubles whole fields and events; the pieces of arguments stay whole or go.</summary>
    private static byte[] ByFields(string good, Random random)
    {
        // The JSON of this test cannot hold the halves of a surrogate pair; bytes can.
        good = good.Replace("\\ud83d", "", StringComparison.Ordinal).Replace("\\ude00", "", StringComparison.Ordinal);
        List<string> events = [.. good.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(events.Count);
            if (JsonNode.Parse(events[at]["data: ".Length..].Replace("[DONE]", "null", StringComparison.Ordinal)) is not { } node)
                continue;
            List<(JsonObject Holder, string Name)> fields = [];
            Collect(node, fields);
            (JsonObject holder, string name) = fields[random.Next(fields.Count)];
            if (name is "arguments" or "partial_json" or "input" or "filter")
                continue;
            holder[name] = random.Next(7) switch
            {
                0 => null,
                1 => -1,
                2 => 1e300,
                3 => "",
                4 => new JsonArray(),
                5 => new JsonObject { ["a"] = "b" },
                _ => "find",
            };
            events[at] = $"data: {node.ToJsonString()}";
        }

        return Encoding.UTF8.GetBytes(string.Concat(events.Select(e => e + "\n\n")));
    }

    private static void Collect(JsonNode? node, List<(JsonObject Holder, string Name)> fields)
    {
        if (node is JsonArray list)
        {
            foreach (JsonNode? item in list)
                Collect(item, fields);
        }
        else if (node is JsonObject holder)
        {
            foreach (KeyValuePair<string, JsonNode?> child in holder)
            {
                fields.Add((holder, child.Key));
                Collect(child.Value, fields);
            }
        }
    }
}
