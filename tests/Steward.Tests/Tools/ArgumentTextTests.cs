using System.Text.Json;
using Steward.Tools;

namespace Steward.Tests.Tools;

/// <summary>People read arguments in their own script; what would hide, reorder or imitate something is spelled as an escape.</summary>
public sealed class ArgumentTextTests
{
    [Theory]
    [InlineData("Ștefan și Zoë")]
    [InlineData("你好，世界")]
    [InlineData("Здравствуй, мир")]
    [InlineData("שלום עולם")]
    [InlineData("مرحبا بالعالم")]
    [InlineData("नमस्ते दुनिया")]
    [InlineData("สวัสดีครับ")]
    [InlineData("안녕하세요")]
    [InlineData("こんにちは\u3000世界")]
    [InlineData("𠮷野家 𝄞")]
    [InlineData("e\u0301te\u0301")]
    [InlineData("10 µg, 5 Ω, ΔT, π")]
    [InlineData("<a href='x'>&amp; 1+1</a>")]
    [InlineData("👍🏽 ❤\uFE0F 1\uFE0F\u20E3 👩\u200D💻")]
    [InlineData("می\u200Cخواهم")]
    [InlineData("क्\u200Dष")]
    [InlineData("Москва.рф и test.com")]
    [InlineData("USB-кабель")]
    [InlineData("α-Helix")]
    public void Write_AScript_StaysAsItIs(string text) => Assert.Equal($"\"{text}\"", ArgumentText.Write(JsonSerializer.SerializeToElement(text)));

    [Theory]
    [InlineData("a\u202Eb", "a\\u202eb")]
    [InlineData("a\u2066b\u2069", "a\\u2066b\\u2069")]
    [InlineData("\u200Fa", "\\u200fa")]
    [InlineData("\u061Ca", "\\u061ca")]
    [InlineData("ad\u200Bmin", "ad\\u200bmin")]
    [InlineData("ad\u200Cmin", "ad\\u200cmin")]
    [InlineData("ad\u200Dmin", "ad\\u200dmin")]
    [InlineData("ad\u2060min\uFEFF", "ad\\u2060min\\ufeff")]
    [InlineData("soft\u00ADhyphen", "soft\\u00adhyphen")]
    [InlineData("no\u00A0break\u202F\u2003", "no\\u00a0break\\u202f\\u2003")]
    [InlineData("a\u3164b\u115F\u2800", "a\\u3164b\\u115f\\u2800")]
    [InlineData("a\uFE0Fb\U000E0100", "a\\ufe0fb\\udb40\\udd00")]
    [InlineData("x\U000E0041", "x\\udb40\\udc41")]
    [InlineData("\u001B[2J\u0007\u009B\u007F", "\\u001b[2J\\u0007\\u009b\\u007f")]
    [InlineData("a\nb\r\tc\u2028d\u0085", "a\\nb\\r\\tc\\u2028d\\u0085")]
    [InlineData("private \uE000 \uFFFE", "private \\ue000 \\ufffe")]
    [InlineData("\u0301x", "\\u0301x")]
    [InlineData("100\u0338", "100\\u0338")]
    [InlineData("a\u0300\u0300\u0300\u0300\u0300\u0300", "a\u0300\u0300\u0300\u0300\\u0300\\u0300")]
    [InlineData("p\u0430ypal.com", "p\\u0430ypal.com")]
    [InlineData("\u0430\u0440\u0440\u04CF\u0435.com", "\\u0430\\u0440\\u0440\\u04cf\\u0435.com")]
    [InlineData("\u039Fffice", "\\u039fffice")]
    [InlineData("ex\u0251mple", "ex\\u0251mple")]
    [InlineData("example.com\u2215evil", "example.com\\u2215evil")]
    [InlineData("quote \" and \\", "quote \\\" and \\\\")]
    public void Write_WhatCouldDeceive_IsAnEscape(string text, string shown)
    {
        string written = ArgumentText.Write(JsonSerializer.SerializeToElement(text));

        Assert.Equal($"\"{shown}\"", written);
        Assert.Equal(text, JsonElement.Parse(written).GetString());
    }

    [Fact]
    public void Write_AnUnpairedSurrogate_StaysItsEscape() =>
        Assert.Equal("""{"a": "x\ud800\u202ey", "b": 1}""", ArgumentText.Write(JsonElement.Parse("{\"a\":\"x\\ud800\u202Ey\",\"b\":1}")));

    [Theory]
    [InlineData("""{"amount":1e3,"to":["a",{"b":null}],"ok":true}""", """{"amount": 1e3, "to": ["a", {"b": null}], "ok": true}""")]
    [InlineData("""{"a\u202eb":"\u0219"}""", """{"a\u202eb": "ș"}""")]
    [InlineData("""{"amount":1,"amount":1000}""", """{"amount": 1000}""")]
    [InlineData("12345678901234567890.000", "12345678901234567890.000")]
    public void Write_AValue_IsItsJson(string json, string shown) => Assert.Equal(shown, ArgumentText.Write(JsonElement.Parse(json)));

    [Theory]
    [InlineData(10, "\"aaaaaaaaa\"… (+11 characters)")]
    [InlineData(21, "\"aaaaaaaaaaaaaaaaaaaa\"")]
    public void Write_LongerThanShown_EndsInAMarkOutsideOfItsQuotes(int most, string shown)
    {
        (string text, bool shortened) = ArgumentText.Write(JsonSerializer.SerializeToElement(new string('a', 20)), most);

        Assert.Equal((shown, most < 21), (text, shortened));
    }

    [Fact]
    public void Write_CutAtAnEscapeOrAPair_TakesItWholeOrNot()
    {
        JsonElement value = JsonSerializer.SerializeToElement("ab\u202E\U0001F600c");
        Assert.Equal("\"ab\"… (+3 characters)", ArgumentText.Write(value, 5).Text);
        Assert.Equal("\"ab\\u202e\"… (+2 characters)", ArgumentText.Write(value, 10).Text);
        Assert.Equal("\"ab\\u202e😀\"… (+1 characters)", ArgumentText.Write(value, 11).Text);
    }

    [Fact]
    public void Write_ATextThatImitatesTheMark_IsToldApart() =>
        Assert.Equal("\"ok… (+5 characters)\"", ArgumentText.Write(JsonSerializer.SerializeToElement("ok… (+5 characters)")));

    [Theory]
    [InlineData("""{"b":1,"a":2,"z":3,"c":{"y":1,"x":2}}""", """{"a":2,"c":{"x":2,"y":1},"b":1,"z":3}""")]
    [InlineData("""{"l":[{"y":1,"x":2}]}""", """{"l":[{"x":2,"y":1}]}""")]
    [InlineData("""{"z":1,"a":2,"a":3}""", """{"a":3,"z":1}""")]
    public void Order_OfArguments_IsTheSchemas(string given, string ordered)
    {
        JsonElement schema = JsonElement.Parse(
            """{"properties":{"a":{},"c":{"properties":{"x":{},"y":{}}},"b":{},"l":{"items":{"properties":{"x":{},"y":{}}}}}}""");

        Assert.Equal(ordered, ArgumentOrder.Of(JsonElement.Parse(given), schema)?.GetRawText());
        Assert.Equal(
            given.Replace("\"a\":2,\"a\":3", "\"a\":3", StringComparison.Ordinal), ArgumentOrder.Of(JsonElement.Parse(given), default)?.GetRawText());
    }
}
