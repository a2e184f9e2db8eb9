using System.Text.Json.Nodes;
using Steward.Retail.Data;
using Steward.Retail.Tools;
using Steward.Tools;

namespace Steward.Retail.Tests;

/// <summary>Numbers and texts as the data set spells them; these need no data.</summary>
public sealed class SpellingTests
{
    [Theory]
    [InlineData("3131.1 + 4777.75 + 367.38", "8276.23")]
    [InlineData("135.24 - 153.23", "-17.99")]
    [InlineData(" 2 * (3 + 4) / -7 ", "-2.0")]
    [InlineData("164.28", "164.28")]
    [InlineData("10/4", "2.5")]
    [InlineData("2.675", "2.67")]
    [InlineData("0.125", "0.12")]
    [InlineData("1 - 2 - 3", "-4.0")]
    public void Expression_Calculated_IsRoundedToCents(string expression, string expected) =>
        Assert.Equal(expected, PythonJson.Repr(PythonJson.Cents(Arithmetic.Evaluate(expression))));

    [Theory]
    [InlineData("1 +", "Error: the expression ends too early")]
    [InlineData("1 / 0", "Error: the expression divides by zero")]
    [InlineData("1 + price", "Error: the expression has 'p' at 5 where a number or one of + - * / ( ) fits")]
    [InlineData("(1", "Error: the expression ends too early")]
    [InlineData("1 2", "Error: the expression has '2' at 3 where a number or one of + - * / ( ) fits")]
    public void Expression_Wrong_IsRefusedWithTheReason(string expression, string expected) =>
        Assert.Equal(expected, Assert.Throws<ToolException>(() => Arithmetic.Evaluate(expression)).Message);

    [Fact]
    public void Expression_NestedWithoutEnd_IsRefused() =>
        Assert.Contains("nested", Assert.Throws<ToolException>(() => Arithmetic.Evaluate(new string('(', 100_000))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(247d, "247.0")]
    [InlineData(0.04999999999999716, "0.04999999999999716")]
    [InlineData(5.684341886080802e-14, "5.684341886080802e-14")]
    [InlineData(1e15, "1000000000000000.0")]
    [InlineData(1.5e20, "1.5e+20")]
    [InlineData(-0d, "-0.0")]
    public void Number_Written_HasTheShortestDigits(double value, string expected) => Assert.Equal(expected, PythonJson.Repr(value));

    [Fact]
    public void Json_Written_KeepsNumbersAndOrder()
    {
        JsonNode value = JsonNode.Parse("""{"b":[1.0,{"x":null}],"a":"é\"\n"}""")!;

        Assert.Equal("""{"b": [1.0, {"x": null}], "a": "\u00e9\"\n"}""", PythonJson.Write(value));
        Assert.Equal("""{"a":"\u00e9\"\n","b":[1.0,{"x":null}]}""", PythonJson.Canonical(value));
    }
}
