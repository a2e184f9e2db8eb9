using System.Text.Json;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Client;

public sealed class FeedbackTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Feedback_AfterTheEnd_IsKeptBesideTheJournal()
    {
        var lab = new Lab(Script(Says("done")), Harness.Agent().Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        int entries = (await lab.JournalAsync(run)).Count;

        RunHandle handle = lab.Client().Get(run);
        Assert.True(await handle.AddFeedbackAsync("ana", 0.25, "too short", turn: 1, id: "f1", cancellationToken: Token));
        Assert.True(await handle.AddFeedbackAsync("ana", 1, id: "f1", cancellationToken: Token));

        Feedback kept = Assert.Single(await lab.Store.FeedbackAsync(new FeedbackQuery { Run = run }, Token));
        Assert.Equal((0.25, "too short", 1, FeedbackKind.Explicit), (kept.Score, kept.Comment, kept.Turn, kept.Kind));
        Assert.Equal(entries, (await lab.JournalAsync(run)).Count);
    }

    [Fact]
    public async Task Corrected_WhenAPersonEditsTheArguments_OnceHoweverOftenTheStoreFails()
    {
        for (int n = 1; n < 20; n++)
        {
            ToolDefinition pay = new("pay", "Tested.", JsonElement.Parse("{}"), (_, _, _) => ValueTask.FromResult(new ToolOutput("ok"))) { RequiresApproval = true };
            var lab = new Lab(Script(Calls_(("pay", new { amount = 50 })), Says("done")), Harness.Agent(pay).Build());
            RunId run = await lab.StartAsync();
            await lab.WorkAllAsync();
            await lab.Client().Get(run).DecideAsync(new Decision { Id = "d1", Run = run, Question = "approve-1.0", Answer = Answer.Approve, By = "ana", Arguments = JsonElement.Parse("""{"amount":5}""") }, Token);
            var faulty = new Steward.Testing.Faults.FaultyStore(lab.Store) { Methods = [nameof(IRunStore.AppendAsync)], FailAt = n, Moment = Steward.Testing.Faults.FaultMoment.After, Lasting = true };
            try
            {
                await lab.WorkAsync("w1", faulty);
            }
            catch (StoreException)
            {
            }

            lab.Time.Advance(Lab.LeaseDuration);
            await lab.WorkAllAsync();

            Feedback kept = Assert.Single(await lab.Store.FeedbackAsync(new FeedbackQuery { Run = run }, Token));
            Assert.Equal((FeedbackKind.Corrected, "runtime", 1), (kept.Kind, kept.By, kept.Turn));
            if (faulty.Failed is null)
                return;
        }
    }

    [Fact]
    public async Task Escalated_WhenTheTaskIsHandedOver()
    {
        var lab = new Lab(Script(Calls_(("hand_off", new { summary = "I cannot." })), Says("done")), Harness.Agent(BuiltInTools.HandOff).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        Assert.Equal(FeedbackKind.Escalated, Assert.Single(await lab.Store.FeedbackAsync(new FeedbackQuery { Run = run }, Token)).Kind);

        await lab.Client().Get(run).AnswerAsync("hand-off-1.0", Answer.Reply, "ana", "done by hand", cancellationToken: Token);
        await lab.WorkAllAsync();
        Assert.Single(await lab.Store.FeedbackAsync(new FeedbackQuery { Run = run }, Token));
    }

    [Theory]
    [InlineData("Where is  my ORDER?", "ana", true)]
    [InlineData("Where is my parcel?", "ana", false)]
    [InlineData("Where is my order?", "ben", false)]
    public async Task Repeated_WhenTheSameIsAskedAgain(string text, string user, bool isRepeated)
    {
        var lab = new Lab(Script(Says("It is on its way.")), Harness.Agent().Build());
        RunId first = await lab.StartAsync(new RunRequest("where is my order?") { Session = "s", User = "ana" });
        await lab.WorkAllAsync();
        await lab.StartAsync(new RunRequest(text) { Session = "s", User = user });
        await lab.WorkAllAsync();

        IReadOnlyList<Feedback> kept = await lab.Store.FeedbackAsync(new FeedbackQuery(), Token);
        Assert.Equal(isRepeated ? [(FeedbackKind.Repeated, first)] : [], kept.Select(f => (f.Kind, f.Run)));
    }
}
