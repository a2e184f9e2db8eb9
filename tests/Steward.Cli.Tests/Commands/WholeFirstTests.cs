using System.Text.Json;
using Steward.Cli.Commands;
using Steward.Cli.Rendering;
using Steward.Journal;

namespace Steward.Cli.Tests.Commands;

public sealed class WholeFirstTests
{
    private static readonly QuestionView s_long = View(new string('x', 500) + " the end");
    private static readonly QuestionView s_short = View("short");

    [Theory]
    [InlineData("y", true)]
    [InlineData("YES ", true)]
    [InlineData("n", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public async Task Lets_OnATerminal_ShowsTheWholeAndAsks(string? line, bool lets)
    {
        using var written = new StringWriter();
        var first = new WholeFirst(new Output(written, written, colour: false, json: false), _ => Task.FromResult(line));

        Assert.Equal(lets, await LetsAsync(first, s_long));
        Assert.Contains("the end\"", written.ToString(), StringComparison.Ordinal);
        Assert.Equal(!lets, written.ToString().Contains("Nothing was decided.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Lets_WhatIsNamedOrShown_AsksNobody()
    {
        var first = new WholeFirst(
            new Output(TextWriter.Null, TextWriter.Null, colour: false, json: false), _ => throw new InvalidOperationException("Nobody is to be asked."));

        Assert.True(await LetsAsync(first, s_long, isNamed: true));
        Assert.True(await LetsAsync(first, s_short));
        await Assert.ThrowsAsync<InvalidOperationException>(() => LetsAsync(first, s_short, whole: true));
    }

    [Fact]
    public async Task Lets_WhereNobodyCanBeAsked_SaysWhatToDo()
    {
        var first = new WholeFirst(new Output(TextWriter.Null, TextWriter.Null, colour: false, json: false), null);

        UsageException e = await Assert.ThrowsAsync<UsageException>(() => LetsAsync(first, s_long));
        Assert.Equal(
            "'approve-1.0' is longer than the inbox shows (body), so it was not answered. See the whole with 'steward inbox --run R --whole', then add the --binding that stands there; or add --whole, which shows it here first.",
            e.Message);
        Assert.True(await LetsAsync(first, s_long, whole: true));
    }

    [Fact]
    public void View_OfAPlanThatIsLong_IsShortenedToo()
    {
        var plan = new QuestionView(QuestionKind.Plan, $"May this plan be carried out?\n- s1: {new string('x', 200)}", null, null);
        Assert.Equal(["text"], plan.Shortened);
        Assert.False(new QuestionView(QuestionKind.Plan, "May this plan be carried out?\n- s1: look", null, null).IsShortened);
        Assert.True(new QuestionView(QuestionKind.Plan, string.Join('\n', Enumerable.Repeat("- step", 30)), null, null).IsShortened);
    }

    private static Task<bool> LetsAsync(WholeFirst first, QuestionView view, bool isNamed = false, bool whole = false) =>
        first.LetsAsync("approve-1.0", view, isNamed, whole, "steward inbox --run R --whole", TestContext.Current.CancellationToken);

    private static QuestionView View(string body) =>
        new(QuestionKind.Approval, "", "send", JsonSerializer.SerializeToElement(new { to = "Ana", body }));
}
