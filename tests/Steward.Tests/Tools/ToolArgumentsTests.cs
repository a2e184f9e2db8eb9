using System.Text.Json;
using Steward.Tools;

namespace Steward.Tests.Tools;

public sealed class ToolArgumentsTests
{
    private const string Schema = """
        {"type":"object","required":["must"],
         "$defs":{"text":{"type":"string"},"maybe":{"anyOf":[{"$ref":"#/$defs/text"},{"type":"null"}]}},
         "properties":{"must":{"type":"string"},"opt":{"type":"string"},"nullable":{"type":["string","null"]},"any":{},
           "byRef":{"$ref":"#/$defs/text"},"maybe":{"$ref":"#/$defs/maybe"},"choice":{"enum":["a",null]},
           "nested":{"type":"object","properties":{"inner":{"type":"integer"}}},
           "list":{"type":"array","items":{"type":"object","properties":{"x":{"type":"integer"}}}}}}
        """;

    [Theory]
    [InlineData("""{"must":"a","opt":null}""", """{"must":"a"}""")]
    [InlineData("""{"must":null}""", """{"must":null}""")]
    [InlineData("""{"nullable":null,"any":null,"choice":null,"maybe":null}""", """{"nullable":null,"any":null,"choice":null,"maybe":null}""")]
    [InlineData("""{"byRef":null}""", "{}")]
    [InlineData("""{"unknown":null}""", """{"unknown":null}""")]
    [InlineData("""{"nested":{"inner":null}}""", """{"nested":{}}""")]
    [InlineData("""{"list":[{"x":null},{"x":1}]}""", """{"list":[{},{"x":1}]}""")]
    public void DropNullOptionals_Null_IsDroppedOnlyWhereItCannotBeMeant(string arguments, string expected)
    {
        var result = ToolArguments.DropNullOptionals(JsonElement.Parse(arguments), JsonElement.Parse(Schema));

        Assert.Equal(expected, result.GetRawText());
    }

    [Fact]
    public void DropNullOptionals_NothingToDrop_ReturnsTheSameElement()
    {
        var arguments = JsonElement.Parse("""{ "must": "a", "nested": { "inner": 1 } }""");

        Assert.Equal(arguments.GetRawText(), ToolArguments.DropNullOptionals(arguments, JsonElement.Parse(Schema)).GetRawText());
    }
}
