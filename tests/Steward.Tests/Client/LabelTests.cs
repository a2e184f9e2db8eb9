using System.Diagnostics;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Client;

public sealed class LabelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_StartedWithLabelsInATrace_BearsBothAndSoDoItsSignals()
    {
        using Activity caller = new Activity("caller").Start();
        var lab = new Lab(Script(Says("done")), Harness.Agent().Build());
        RunId run = await lab.StartAsync(new Steward.Client.RunRequest("go") { Labels = new Dictionary<string, string> { ["ticket"] = "991" } });
        await lab.Handle(run).SendAsync("more", cancellationToken: Token);
        await lab.WorkAllAsync();

        List<JournalEntry> journal = await lab.JournalAsync(run);
        Assert.Equal("991", ((RunStarted)journal[0].Event).Labels!["ticket"]);
        Assert.Equal(caller.Id, journal[0].Event.Trace!.Parent);
        Assert.Equal(caller.Id, Assert.Single(journal.Select(e => e.Event).OfType<MessageReceived>()).Trace!.Parent);
    }

    [Theory]
    [InlineData("a b", "x", "'a b'")]
    [InlineData("name", null, "'name'")]
    [InlineData("name", "a\nb", "'name'")]
    [InlineData("name", "half \ud83d", "'name'")]
    public async Task Start_WithAnUnusableLabel_IsRefusedByName(string name, string? value, string said)
    {
        var lab = new Lab(Script(Says("done")), Harness.Agent().Build());
        Steward.Client.RunRequest request = new("go") { Labels = new Dictionary<string, string> { [name] = value ?? new string('x', 257) } };

        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => lab.StartAsync(request));

        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        Assert.Empty(await lab.Store.FindAsync(new RunQuery(), Token));
    }

    [Fact]
    public void Parse_NamesAndValues_AreReadAtTheFirstSeparator() => Assert.Equal(
        new Dictionary<string, string> { ["team"] = "blue", ["url"] = "a=b", ["empty"] = "" },
        Labels.Parse(["url=a=b", "team=blue", "empty="]));

    [Theory]
    [InlineData("'ticket' is not a label; write NAME=VALUE, for example ticket=991.", "ticket")]
    [InlineData("The label 'ticket' is there twice; give each name once.", "ticket=1", "ticket=2")]
    [InlineData("The label name '' is not usable; use 1 to 64 letters, digits, '.', '_', '-' or '/'.", "=x")]
    public void Parse_AWrongForm_IsRefusedWithValueAndRemedy(string message, params string[] texts) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => Labels.Parse(texts)).Message);

    [Fact]
    public void Parse_TooMany_IsRefusedWithTheMost() => Assert.Equal(
        "There are 17 labels; give at most 16.",
        Assert.Throws<ArgumentException>(() => Labels.Parse(Enumerable.Range(0, 17).Select(i => $"n{i}=x"))).Message);
}
