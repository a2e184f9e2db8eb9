using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using Steward.TimeTravel;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine.Seams;

public sealed class ContextSourceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_WithAContextSource_ReadsItsNotesInTheRightPlacesAndJournalsThem()
    {
        List<string[]> requests = [];
        var lab = new Lab(Recording(requests), Agent(new NotesSource("Ana likes tea.")));
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Contains("Ana likes tea.", requests[0][^2], StringComparison.Ordinal);
        Assert.Equal("go", requests[0][^1]);
        Assert.Contains("This is turn 2.", requests[1][^1], StringComparison.Ordinal);
        Assert.Equal([0, 2], (await lab.JournalAsync(run)).Select(e => e.Event).OfType<ContextAdded>().Select(e => e.Turn));
    }

    [Theory]
    [InlineData(FaultMoment.Before)]
    [InlineData(FaultMoment.After)]
    public async Task Run_ItsWorkerDiesAtAnyStoreCall_IsToldEachNoteOnce(FaultMoment moment)
    {
        for (int n = 1; ; n++)
        {
            var lab = new Lab(Recording([]), Agent(new NotesSource("Ana likes tea.")));
            RunId run = await lab.StartAsync();
            var faulty = new FaultyStore(lab.Store) { FailAt = n, Moment = moment, Lasting = true };
            try
            {
                await lab.WorkAsync(store: faulty);
            }
            catch (StoreException)
            {
                // The worker died here.
            }

            lab.Time.Advance(Lab.LeaseDuration + TimeSpan.FromSeconds(1));
            await lab.WorkAllAsync();

            Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
            Assert.Equal([0, 2], (await lab.JournalAsync(run)).Select(e => e.Event).OfType<ContextAdded>().Select(e => e.Turn));
            if (faulty.Failed is null)
                break;
        }
    }

    [Fact]
    public async Task Replay_OfARunWithContext_ComesOutAsRecordedAndAsksNobody()
    {
        var lab = new Lab(Recording([]), Agent(new NotesSource("Ana likes tea.")));
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        var silent = new NotesSource("something else");

        ReplayReport report = await lab.Client().ReplayAsync(run, new ReplayRequest { Agent = Agent(silent) }, Token);

        Assert.True(report.Divergence is null, $"{report.Divergence}");
        Assert.Equal(0, silent.Asked);
    }

    [Fact]
    public async Task Run_ItsContextSourceFails_GoesOnWithoutIt()
    {
        var lab = new Lab(Script(Says("done")), Harness.Agent().AddContextSources(new BrokenSource()).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Empty((await lab.JournalAsync(run)).Select(e => e.Event).OfType<ContextEvent>());
    }

    [Fact]
    public void Build_TwoSourcesOfOneName_IsRefused()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => Harness.Agent().AddContextSources(new NotesSource("a"), new NotesSource("b")).Build());

        Assert.Contains("'notes'", e.Message, StringComparison.Ordinal);
    }

    private static AgentDefinition Agent(IContextSource source) => Harness.Agent(Harness.Tool("look", _ => "seven")).AddContextSources(source).Build();

    private static FunctionModel Recording(List<string[]> requests) => new((messages, _) =>
    {
        requests.Add([.. messages.Select(m => m.Text)]);
        return messages.Any(m => m.Role == ChatRole.Assistant) ? Says("done") : Calls_(("look", new { }));
    });

    private sealed class BrokenSource : IContextSource
    {
        public string Name => "broken";

        public ValueTask<IReadOnlyList<ContextEvent>> ReadAsync(ContextRequest request, CancellationToken cancellationToken) => throw new IOException("no index");
    }
}
