using System.Text.Json;
using Steward.Tools.Declarative;

namespace Steward.Tests.Tools;

public sealed class JsonPathTests
{
    private static readonly JsonElement s_root = JsonElement.Parse("""{"rows":[{"id":1},{"id":2}],"odd name":"o","a/b":"s","m~n":"t","5":"five","x.y":"dot","deep":{"in":{"side":null}}}""");

    [Theory]
    [InlineData("$", null)]
    [InlineData("", null)]
    [InlineData("$.rows[0].id", "1")]
    [InlineData("rows[0].id", "1")]
    [InlineData("rows.1.id", "2")]
    [InlineData("$.rows[-1].id", "2")]
    [InlineData("/rows/1/id", "2")]
    [InlineData("/a~1b", "\"s\"")]
    [InlineData("/m~0n", "\"t\"")]
    [InlineData("$['odd name']", "\"o\"")]
    [InlineData("$[\"x.y\"]", "\"dot\"")]
    [InlineData("['rows'][1]['id']", "2")]
    [InlineData("5", "\"five\"")]
    [InlineData("$.deep.in.side", "null")]
    public void Find_PlaceThatIsThere_IsFound(string path, string? json) =>
        Assert.Equal(json ?? s_root.GetRawText(), JsonPath.Parse(path).Find(s_root)?.GetRawText());

    [Theory]
    [InlineData("$.none")]
    [InlineData("$.rows[2]")]
    [InlineData("$.rows[-3]")]
    [InlineData("$.rows.id")]
    [InlineData("$.rows[0].id.more")]
    [InlineData("/rows/x")]
    public void Find_PlaceThatIsNotThere_IsNull(string path) => Assert.Null(JsonPath.Parse(path).Find(s_root));

    [Theory]
    [InlineData("$.")]
    [InlineData("$..id")]
    [InlineData("a..b")]
    [InlineData("rows[")]
    [InlineData("rows[x]")]
    [InlineData("rows[]")]
    [InlineData("rows]")]
    [InlineData("$.rows[*].id")]
    [InlineData("$.rows.*")]
    [InlineData("$['odd name")]
    [InlineData("$rows")]
    public void Parse_NoPath_SaysHowOneIsWritten(string path)
    {
        var error = Assert.Throws<FormatException>(() => JsonPath.Parse(path));
        Assert.StartsWith($"'{path}' is not a path. Write one such as $.rows[0].id", error.Message, StringComparison.Ordinal);
    }
}
