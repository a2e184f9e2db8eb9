using Steward.Cli.Rendering;

namespace Steward.Cli.Tests.Rendering;

public sealed class HangingLinesTests
{
    [Theory]
    [InlineData("to: Ana", 2, null, "  to: Ana")]
    [InlineData("body: \"aaaaaaaaaaaaaaaaaaaaaaaa\"", 2, 26, "  body: \"aaaaaaaaaaaaaaaaa|    │ aaaaaaa\"")]
    [InlineData("b: \"你好你好你好你好你好你好\"", 2, 26, "  b: \"你好你好你好你好你好|    │ 你好\"")]
    [InlineData("b: \"one\\ntwo\\\\nthree\"", 2, null, "  b: \"one\\n|    │ two\\\\nthree\"")]
    [InlineData("b: \"aaaaaaaaaaaaaaaaa\\u202e\"", 2, 26, "  b: \"aaaaaaaaaaaaaaaaa|    │ \\u202e\"")]
    [InlineData("b: \"aaaaaaa\"… (+9 characters)", 2, 26, "  b: \"aaaaaaa\"|    │ … (+9 characters)")]
    [InlineData("", 2, 26, "  ")]
    public void Of_ALine_IsBrokenFurtherIn(string text, int indent, int? width, string lines) =>
        Assert.Equal(lines.Split('|'), HangingLines.Of(text, indent, width));
}
