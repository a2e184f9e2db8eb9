using Microsoft.Extensions.AI;
using Steward.Client;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.TimeTravel;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Client;

/// <summary>What a run does when another one of its session is active, and what it knows of what was said before.</summary>
public sealed class SessionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Enqueue_TwoAtOnce_GoOneAfterTheOtherInOrder()
    {
        Lab lab = Echo();
        RunId[] runs = await Task.WhenAll(Enumerable.Range(1, 2).Select(i => Task.Run(() => lab.StartAsync(Request($"m{i}", SessionPolicy.Enqueue)))));
        await lab.WorkAllAsync();

        RunState[] states = [await lab.StateAsync(runs[0]), await lab.StateAsync(runs[1])];
        Assert.All(states, s => Assert.Equal(RunStatus.Completed, s.Status));
        // Whichever began first, the other knows of it.
        Assert.Single(states, s => Output(s) == Text(s));
        RunState second = Assert.Single(states, s => Output(s) != Text(s));
        Assert.Equal($"{Text(states.First(s => s != second))} {Text(second)}", Output(second));
    }

    [Fact]
    public async Task History_SeveralExchanges_AreThereInOrder()
    {
        Lab lab = Echo();
        RunId last = default;
        foreach (string text in (string[])["one", "two", "three"])
        {
            last = await lab.StartAsync(Request(text, SessionPolicy.Enqueue));
            await lab.WorkAllAsync();
        }

        Assert.Equal("one two three", Output(await lab.StateAsync(last)));
        HistoryAdded history = (await lab.JournalAsync(last)).Select(e => e.Event).OfType<HistoryAdded>().Single();
        Assert.Equal(["one", "one two"], history.Messages.Select(m => m.Output));
    }

    [Fact]
    public async Task Reject_WhileBusy_NamesTheBusyRunAndStartsNothing()
    {
        Lab lab = Asking();
        RunId first = await lab.StartAsync(Request("one", SessionPolicy.Reject));
        await lab.WorkAllAsync();

        SessionBusyException busy = await Assert.ThrowsAsync<SessionBusyException>(() => lab.StartAsync(Request("two", SessionPolicy.Reject)));

        Assert.Equal((first, "s"), (busy.BusyWith, busy.Session));
        Assert.Single(await lab.Store.FindAsync(new RunQuery { Session = "s" }, Token));
        await lab.Client().Get(first).AnswerAsync("ask-1.0", Answer.Reply, "ana", "red", cancellationToken: Token);
        await lab.WorkAllAsync();
        await lab.StartAsync(Request("two", SessionPolicy.Reject));
    }

    [Fact]
    public async Task Reject_TwoAtOnce_StartsOne()
    {
        Lab lab = Echo();
        Task<RunId>[] starts = [.. Enumerable.Range(0, 2).Select(i => Task.Run(() => lab.StartAsync(Request($"m{i}", SessionPolicy.Reject))))];
        await Task.WhenAll(starts.Select(s => s.ContinueWith(_ => { }, TaskScheduler.Default)));

        _ = Assert.Single(starts, s => s.IsCompletedSuccessfully);
        Assert.IsType<SessionBusyException>(Assert.Single(starts, s => s.IsFaulted).Exception!.InnerException);
    }

    [Theory]
    [InlineData(SessionPolicy.Interrupt, true)]
    [InlineData(SessionPolicy.Rollback, false)]
    public async Task Interrupt_CancelsTheOther_RollbackForgetsIt(SessionPolicy policy, bool isKnown)
    {
        Lab lab = Asking();
        RunId first = await lab.StartAsync(Request("one", policy));
        await lab.WorkAllAsync();
        RunId second = await lab.StartAsync(Request("two", policy));
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Cancelled, (await lab.StateAsync(first)).Status);
        Assert.Equal("user_input", (await lab.StateAsync(second)).Reason);
        HistoryAdded? history = (await lab.JournalAsync(second)).Select(e => e.Event).OfType<HistoryAdded>().SingleOrDefault();
        Assert.Equal(isKnown, history?.Messages.Any(m => m.Run == first) == true);
    }

    [Fact]
    public async Task Fork_OfARunOfASession_StaysOutOfItsHistory()
    {
        Lab lab = Echo();
        RunId first = await lab.StartAsync(Request("one", SessionPolicy.Enqueue));
        await lab.WorkAllAsync();
        await lab.Client().ForkAsync(first, new Steward.TimeTravel.ForkRequest { Input = [new TextPart("other")] }, Token);
        await lab.WorkAllAsync();
        RunId second = await lab.StartAsync(Request("two", SessionPolicy.Enqueue));
        await lab.WorkAllAsync();

        Assert.Equal("one two", Output(await lab.StateAsync(second)));
    }

    private static RunRequest Request(string text, SessionPolicy policy) => new(text) { Session = "s", User = "ana", SessionPolicy = policy };

    /// <summary>Says everything that the user said.</summary>
    private static Lab Echo() => new(new FunctionModel((m, _) => Says(string.Join(' ', m.Where(x => x.Role == ChatRole.User).Select(x => x.Text)))), Harness.Agent().Build());

    private static Lab Asking() => new(
        new FunctionModel((m, _) => m.Any(x => x.Role == ChatRole.Tool) ? Says("done") : Calls_(("ask_user", new { question = "Which one?" }))),
        Harness.Agent(BuiltInTools.AskUser).Build());

    private static string? Output(RunState state) => (state.Outcome as RunCompleted)?.Output;

    private static string Text(RunState state) => ((TextPart)state.Started.Input[0]).Text;
}
