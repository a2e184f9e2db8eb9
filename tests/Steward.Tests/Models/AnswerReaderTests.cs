using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;
using Steward.State;

namespace Steward.Tests;

public sealed class AnswerReaderTests
{
    public static TheoryData<object?> Values =>
    [
        1,
        "the customer's <b>plan</b> + \"more\" & `so` on",
        "żółć, 東京, 🙂",
        new[] { "a", "b" },
        new JsonObject { ["lines"] = new JsonArray(1, 2.50, "c'est"), ["none"] = null },
        JsonElement.Parse("""{ "spaced" : [ 1 , 2.0 , "caf\u00e9" , "it\u0027s" ] }"""),
    ];

    [Theory]
    [MemberData(nameof(Values))]
    public void Arguments_WrittenAndReadAgain_AreSpelledTheSame(object? value)
    {
        var call = new FunctionCallContent("c1", "tool", new Dictionary<string, object?> { ["value"] = value });
        CallPart live = Assert.IsType<CallPart>(Assert.Single(AnswerReader.Parts(new ChatResponse(new ChatMessage(ChatRole.Assistant, [call])), turn: 1)));
        var returned = new ModelReturned { Turn = 1, Attempt = 1, Content = [live], Settled = default };

        var read = (ModelReturned)EventWire.Read("model.returned", EventWire.Write(returned));

        Assert.Equal(live.Arguments!.Value.GetRawText(), Assert.IsType<CallPart>(Assert.Single(read.Content)).Arguments!.Value.GetRawText());
        Assert.Equal(
            MessageMapper.Chain(JournalEntry.Origin.Span, MessageMapper.Assistant([live])),
            MessageMapper.Chain(JournalEntry.Origin.Span, MessageMapper.Assistant(read.Content)));
    }
}
