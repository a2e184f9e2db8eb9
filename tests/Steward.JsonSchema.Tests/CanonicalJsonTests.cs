using System.Text;
using System.Text.Json;
using CsCheck;

namespace Steward.JsonSchemas.Tests;

public sealed class CanonicalJsonTests
{
    [Theory]
    [InlineData("""{ "b" : 1.0, "a" : [ 1e0, 10e-1, -0 ] }""", """{"a":[1,1,0],"b":1}""")]
    [InlineData("""{"a":1,"a":2}""", """{"a":2}""")]
    [InlineData("1e400", "1e+400")]
    [InlineData("123456789012345678901234567890.5", "1.234567890123456789012345678905e+29")]
    [InlineData("100000000000000000000", "100000000000000000000")]
    [InlineData("0.00012300", "0.000123")]
    [InlineData("1e-9", "1e-9")]
    [InlineData("-12.50", "-12.5")]
    [InlineData("\"\\u00e9\\/<\\u0041\"", "\"\u00e9/<A\"")]
    [InlineData("\"\\ud800\"", "\"\\ud800\"")]
    [InlineData("[true,false,null,{}]", "[true,false,null,{}]")]
    public void Write_Value_HasOneForm(string json, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(CanonicalJson.Write(JsonElement.Parse(json))));

    [Fact]
    public void Sha256Hex_KeyOrder_DoesNotMatter() =>
        Gen.Select(Gen.Dictionary(Gen.String[Gen.Char.AlphaNumeric, 1, 8], Gen.Int)[1, 12], Gen.Int).Sample((members, seed) =>
        {
            IEnumerable<string> shuffled = members.OrderBy(member => HashCode.Combine(member.Key, seed)).Select(Text);
            Assert.Equal(Hash(members.Select(Text)), Hash(shuffled));
        });

    [Fact]
    public void Write_AnyNumber_KeepsItsValue() =>
        Gen.Double.Where(double.IsFinite).Sample(value =>
        {
            string text = value.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
            string canonical = Encoding.UTF8.GetString(CanonicalJson.Write(JsonElement.Parse(text)));
            Assert.Equal(value, double.Parse(canonical, System.Globalization.CultureInfo.InvariantCulture));
        });

    private static string Text(KeyValuePair<string, int> member) => $"\"{member.Key}\":{{\"v\":{member.Value},\"a\":[{member.Value}.0]}}";

    private static string Hash(IEnumerable<string> members) => CanonicalJson.Sha256Hex(JsonElement.Parse($"{{{string.Join(',', members)}}}"));
}
