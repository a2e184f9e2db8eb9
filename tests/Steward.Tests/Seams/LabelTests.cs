using System.Diagnostics;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Seams;

public sealed class LabelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_StartedWithLabelsInATrace_BearsBothAndSoDoItsSignals()
    {
        using Activity caller = new Activity("caller").Start();
        var lab = new Lab(Script(Says("done")), Harness.Agent().Build());
        RunId run = await lab.StartAsync(new Client.RunRequest("go") { Labels = new Dictionary<string, string> { ["ticket"] = "991" } });
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
    public async Task Start_WithAnUnusableLabel_IsRefusedByName(string name, string? value, string said)
    {
        var lab = new Lab(Script(Says("done")), Harness.Agent().Build());
        Client.RunRequest request = new("go") { Labels = new Dictionary<string, string> { [name] = value ?? new string('x', 257) } };

        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => lab.StartAsync(request));

        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        Assert.Empty(await lab.Store.FindAsync(new RunQuery(), Token));
    }
}
