using System.Text.Json;
using Steward.Journal;

namespace Steward.Tests.Journal;

public sealed class PrintableTests
{
    private static readonly JsonSerializerOptions s_relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Theory]
    [InlineData("grün, ș, 你好, שלום, العربية, 👍, e\u0301", "grün, ș, 你好, שלום, العربية, 👍, e\u0301")]
    [InlineData("⚠\ufe0f x\ufe0f", "⚠\ufe0f x\\ufe0f")]
    [InlineData("a\u001b[31mb\u0007\u007f\u009b", "a\\u001b[31mb\\u0007\\u007f\\u009b")]
    [InlineData("pay \u202e001\u202c \u2066x\u2069", "pay \\u202e001\\u202c \\u2066x\\u2069")]
    [InlineData("a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg", "a\\u200bb\\u200cc\\u200dd\\u2060e\\ufefff\\u00adg")]
    [InlineData("\u2028\u2029\u0085", "\\u2028\\u2029\\u0085")]
    [InlineData("\u3164\u115f\u034f", "\\u3164\\u115f\\u034f")]
    [InlineData("tag \U000E0041", "tag \\udb40\\udc41")]
    [InlineData("one\r\ntwo\n\tthree\rfour", "one\ntwo\n\tthree\\rfour")]
    public void Text_ShowsLettersAndEscapesWhatHides(string text, string shown) => Assert.Equal(shown, Printable.Text(text));

    [Fact]
    public void Text_HalfOfAPair_IsEscaped() => Assert.Equal("a\\ud800b\\udc00", Printable.Text("a" + (char)0xD800 + "b" + (char)0xDC00));

    [Fact]
    public void Line_IsOneLine() => Assert.Equal("x\\nerror: forged\\r\\n\\t", Printable.Line("x\nerror: forged\r\n\t"));

    [Fact]
    public void Text_OfJson_IsTheSameDocument()
    {
        string json = JsonSerializer.Serialize("a\u202eb\u200b\U000E0041 ș", s_relaxed);

        Assert.Equal("a\u202eb\u200b\U000E0041 ș", JsonSerializer.Deserialize<string>(Printable.Text(json)));
    }
}
