using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Models;
using Steward.Tests.Shared;

namespace Steward.Providers.Tests.OnTheWire;

/// <summary>Good answers, split and spoiled at random: the calls that are handed out are the calls that were sent, or none can be
/// made.</summary>
public sealed class CallPropertyTests
{
    private static readonly string[] s_values = ["one", "zwei", "drei \"vier\"", "日本", "😀 and \\ back", "", "{}", "a\nb"];

    private static int Rounds => SuiteSize.Of(400, 20_000);

    /// <summary>Interleaved pieces with ids and indexes missing or repeated.</summary>
    [Fact]
    public async Task Chat_IdsAndIndexesMissingOrRepeated_TheCallsSentOrNone()
    {
        for (int seed = 0; seed < Rounds; seed++)
        {
            var random = new Random(seed);
            Sent[] calls = Calls(random);
            int indexes = random.Next(4), ids = random.Next(4);
            bool interleaved = random.Next(2) == 0;
            List<JsonObject> pieces = Pieces(calls, random, interleaved);
            foreach (JsonObject piece in pieces)
                Spoil(piece, indexes, ids, random);
            AssertSame(calls, await AskAsync(Api.OpenAI, ChatEvents(pieces)), $"seed {seed}");
        }
    }

    /// <summary>Blocks whose indexes are missing or repeated, and whose ends may not come.</summary>
    [Fact]
    public async Task Messages_IndexesMissingOrRepeated_TheCallsSentOrNone()
    {
        for (int seed = 0; seed < Rounds; seed++)
        {
            var random = new Random(seed);
            Sent[] calls = Calls(random);
            int indexes = random.Next(4);
            bool dropsEnds = random.Next(2) == 0;
            List<string> events = [];
            foreach (string json in MessagesEvents(calls, random))
            {
                JsonObject spoiled = JsonNode.Parse(json)!.AsObject();
                if (dropsEnds && (string)spoiled["type"]! == "content_block_stop" && random.Next(2) == 0)
                    continue;
                if (spoiled.ContainsKey("index"))
                    Spoil(spoiled, indexes, ids: 0, random);
                events.Add(spoiled.ToJsonString());
            }

            AssertSame(calls, await AskAsync(Api.Anthropic, events), $"seed {seed}");
        }
    }

    /// <summary>A good stream, cut into deltas at any place, is read as the same calls on either wire.</summary>
    [Theory]
    [InlineData(Api.OpenAI)]
    [InlineData(Api.Anthropic)]
    public async Task Answer_SplitAnywhere_TheSameCalls(Api api)
    {
        for (int seed = 0; seed < Rounds; seed++)
        {
            var random = new Random(seed);
            Sent[] calls = Calls(random);
            List<string> events = api == Api.OpenAI ? ChatEvents(Pieces(calls, random, interleaved: true)) : MessagesEvents(calls, random);
            ChatResponse response = await AskAsync(api, events);
            List<FunctionCallContent> read = Read(response);
            Assert.True(read.Count == calls.Length && read.TrueForAll(c => c.Exception is null), $"seed {seed}");
            AssertSame(calls, response, $"seed {seed}");
        }
    }

    /// <summary>Fields of any name and type beside the known ones change nothing.</summary>
    [Fact]
    public async Task Chat_GarbageFields_TheSameCalls()
    {
        for (int seed = 0; seed < Rounds; seed++)
        {
            var random = new Random(seed);
            Sent[] calls = Calls(random);
            List<string> events = ChatEvents(Pieces(calls, random, interleaved: false));
            for (int i = 0; i < events.Count - 1; i++)
            {
                JsonNode node = JsonNode.Parse(events[i])!;
                Litter(node, random);
                events[i] = node.ToJsonString();
            }

            AssertSame(calls, await AskAsync(Api.OpenAI, events), $"seed {seed}");
        }
    }

    private static void AssertSame(Sent[] sent, ChatResponse response, string because)
    {
        List<FunctionCallContent> read = Read(response);
        FunctionCallContent[] callable = [.. read.Where(c => c.Exception is null)];
        if (callable.Length == 0)
        {
            Assert.True(read.Count > 0, $"{because}: the model is not told");
            return;
        }

        string sentText = string.Join(" ", sent.Select(s => $"{s.Name}{s.Arguments}"));
        string readText = string.Join(" ", read.Select(c => $"{c.Name}{Arguments(c)}{c.Exception?.Message}"));
        Assert.True(
            callable.Length == sent.Length && callable.Zip(sent).All(p => IsSame(p.First, p.Second)),
            $"{because}: sent {sentText}; read {readText}");
    }

    private static bool IsSame(FunctionCallContent read, Sent sent) =>
        read.Name == sent.Name && JsonNode.DeepEquals(Arguments(read), JsonNode.Parse(sent.Arguments));

    private static JsonNode Arguments(FunctionCallContent call) => JsonNode.Parse(JsonSerializer.Serialize(call.Arguments))!;

    private static List<FunctionCallContent> Read(ChatResponse response) =>
        [.. response.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>()];

    private static Sent[] Calls(Random random) => [.. Enumerable.Range(0, random.Next(1, 4)).Select(i => Call(i, random))];

    private static Sent Call(int index, Random random)
    {
        var arguments = new Dictionary<string, string> { ["q"] = s_values[random.Next(s_values.Length)], ["n"] = $"{index}" };
        return new Sent($"call_{index}", random.Next(2) == 0 ? "find" : "wipe", JsonSerializer.Serialize(arguments));
    }

    /// <summary>The calls in pieces: the first one of each has its name.</summary>
    private static List<JsonObject> Pieces(Sent[] calls, Random random, bool interleaved)
    {
        List<Queue<JsonObject>> queues = [];
        foreach (Sent call in calls)
            queues.Add(new(Split(call.Arguments, random).Select((part, i) => Piece(call, queues.Count, part, i == 0)).ToArray()));
        List<JsonObject> pieces = [];
        int begun = 1;
        while (queues.Exists(q => q.Count > 0))
        {
            int at = interleaved ? random.Next(Math.Min(begun, queues.Count)) : queues.FindIndex(q => q.Count > 0);
            if (queues[at].Count > 0)
                pieces.Add(queues[at].Dequeue());
            begun = Math.Max(begun, Math.Min(queues.Count, at + 2));
        }

        return pieces;
    }

    private static JsonObject Piece(Sent call, int index, string arguments, bool isFirst)
    {
        var piece = new JsonObject { ["index"] = index, ["function"] = new JsonObject { ["arguments"] = arguments } };
        if (!isFirst)
            return piece;
        piece["id"] = call.Id;
        piece["type"] = "function";
        piece["function"]!["name"] = call.Name;
        return piece;
    }

    private static IEnumerable<string> Split(string text, Random random)
    {
        for (int at = 0; at < text.Length;)
        {
            int size = Math.Min(text.Length - at, random.Next(1, text.Length + 1));
            yield return text.Substring(at, size);
            at += size;
        }
    }

    /// <summary>0: as they are. 1: gone. 2: all the same. 3: gone at random.</summary>
    private static void Spoil(JsonObject piece, int indexes, int ids, Random random)
    {
        if (indexes == 1 || (indexes == 3 && random.Next(2) == 0))
            piece.Remove("index");
        else if (indexes == 2)
            piece["index"] = 0;
        if (ids == 1 || (ids == 3 && random.Next(2) == 0))
            piece.Remove("id");
        else if (ids == 2 && piece.ContainsKey("id"))
            piece["id"] = "call_x";
    }

    private static void Litter(JsonNode? node, Random random)
    {
        if (node is JsonArray list)
        {
            foreach (JsonNode? item in list)
                Litter(item, random);
        }

        if (node is not JsonObject holder)
            return;
        foreach (KeyValuePair<string, JsonNode?> child in holder.ToArray())
            Litter(child.Value, random);
        if (random.Next(3) == 0)
        {
            holder[$"x{random.Next(5)}"] = random.Next(5) switch
            {
                0 => random.Next(),
                1 => "x",
                2 => new JsonArray(1, "2", null),
                3 => new JsonObject { ["deep"] = new JsonObject { ["er"] = true } },
                _ => null,
            };
        }
    }

    private static List<string> ChatEvents(IEnumerable<JsonObject> pieces) =>
    [
        .. pieces.Select(p => $"{{\"id\":\"c1\",\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{p.ToJsonString()}]}},\"finish_reason\":null}}]}}"),
        """{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
        "[DONE]",
    ];

    private static List<string> MessagesEvents(Sent[] calls, Random random)
    {
        List<string> events = ["""{"type":"message_start","message":{"id":"m1","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}"""];
        for (int i = 0; i < calls.Length; i++)
        {
            var block = new JsonObject { ["type"] = "tool_use", ["id"] = calls[i].Id, ["name"] = calls[i].Name, ["input"] = new JsonObject() };
            events.Add(Event("content_block_start", i, "content_block", block));
            foreach (string part in Split(calls[i].Arguments, random))
                events.Add(Event("content_block_delta", i, "delta", new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = part }));
            events.Add(Event("content_block_stop", i, "none", null));
        }

        events.Add("""{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":5}}""");
        events.Add("""{"type":"message_stop"}""");
        return events;
    }

    private static string Event(string type, int index, string name, JsonObject? value) =>
        new JsonObject { ["type"] = type, ["index"] = index, [name] = value }.ToJsonString();

    private static async Task<ChatResponse> AskAsync(Api api, IEnumerable<string> events)
    {
        byte[] body = Encoding.UTF8.GetBytes(string.Concat(events.Select(e => $"data: {e}\n\n")));
        using IChatClient client = CannedAnswer.Client(api, body);
        CancellationToken token = TestContext.Current.CancellationToken;
        return await client.GetStreamingResponseAsync("hi", cancellationToken: token).ToChatResponseAsync(token);
    }

    private sealed record Sent(string Id, string Name, string Arguments);
}
