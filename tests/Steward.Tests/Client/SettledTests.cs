using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Client;

/// <summary>Waiting means what it says: a run that goes on by itself is waited for, one that waits for somebody is not, and one that
/// is not there is an error.</summary>
public sealed class SettledTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Settled_AWorkingChild_IsWaitedFor()
    {
        Lab lab = Family();
        RunHandle run = lab.Handle(await lab.StartAsync(new RunRequest("one")));
        Assert.Equal(RunExit.Parked, await lab.WorkAsync());
        Assert.Equal("children", (await run.GetInfoAsync(Token))!.Reason);
        Task<RunResult> settled = run.WaitUntilSettledAsync(Token);
        await PollsAsync(lab, settled, polls: 3);
        Assert.False(settled.IsCompleted);

        await lab.WorkAllAsync();
        Assert.Equal((RunStatus.Completed, "over"), await EndAsync(lab, settled));
    }

    [Fact]
    public async Task Settled_AChildAsksSomebody_Returns()
    {
        Lab lab = Family();
        RunHandle run = lab.Handle(await lab.StartAsync(new RunRequest("ask")));
        await lab.WorkAllAsync();

        Assert.Equal((RunStatus.Awaiting, null), await EndAsync(lab, run.WaitUntilSettledAsync(Token)));
    }

    [Fact]
    public async Task Settled_AnAnswerWasSent_WaitsForWhatComesOfIt()
    {
        Lab lab = Asking();
        RunHandle run = lab.Handle(await lab.StartAsync());
        await lab.WorkAllAsync();
        Assert.Equal("user_input", (await run.WaitUntilSettledAsync(Token)).Reason);
        await run.AnswerAsync("ask-1.0", Answer.Reply, "ana", "red", cancellationToken: Token);
        Task<RunResult> settled = run.WaitUntilSettledAsync(Token);
        await PollsAsync(lab, settled, polls: 2);
        Assert.False(settled.IsCompleted);

        await lab.WorkAllAsync();
        Assert.Equal((RunStatus.Completed, "done"), await EndAsync(lab, settled));
    }

    [Fact]
    public async Task Settled_ACancelWasSent_WaitsForTheEnd()
    {
        Lab lab = Asking();
        RunHandle run = lab.Handle(await lab.StartAsync());
        await lab.WorkAllAsync();
        await run.CancelAsync("ana", cancellationToken: Token);
        Task<RunResult> settled = run.WaitUntilSettledAsync(Token);
        await PollsAsync(lab, settled, polls: 2);
        Assert.False(settled.IsCompleted);

        await lab.WorkAllAsync();
        Assert.Equal((RunStatus.Cancelled, null), await EndAsync(lab, settled));
    }

    [Theory]
    [InlineData("global")]
    [InlineData("agent:tester")]
    public async Task Settled_StartedUnderAKillSwitch_SaysSo(string scope)
    {
        Lab lab = Asking();
        await lab.Store.EngageAsync(new KillSwitch(scope, "ana", "stop it", lab.Time.GetUtcNow()), Token);
        RunHandle run = lab.Handle(await lab.StartAsync());
        Assert.Null(await lab.WorkAsync());

        RunResult result = await run.WaitUntilSettledAsync(Token).WaitAsync(s_limit, Token);
        Assert.Equal((RunStatus.Planning, Reasons.KillSwitch), (result.Status, result.Reason));
        Assert.Contains($"'{scope}'", result.Message, StringComparison.Ordinal);
        Assert.Contains("stop it", result.Message, StringComparison.Ordinal);

        await lab.Store.ReleaseAsync(scope, Token);
        await lab.WorkAllAsync();
        Assert.Equal("user_input", (await run.WaitUntilSettledAsync(Token)).Reason);
    }

    [Fact]
    public async Task Settled_TheSwitchCoversAnother_IsWaitedFor()
    {
        Lab lab = Asking();
        await lab.Store.EngageAsync(new KillSwitch("agent:other", "ana", null, lab.Time.GetUtcNow()), Token);
        RunHandle run = lab.Handle(await lab.StartAsync());
        Task<RunResult> settled = run.WaitUntilSettledAsync(Token);
        await PollsAsync(lab, settled, polls: 2);
        Assert.False(settled.IsCompleted);
        await lab.WorkAllAsync();
        Assert.Equal((RunStatus.Awaiting, null), await EndAsync(lab, settled));
    }

    [Fact]
    public async Task Wait_ForAnUnknownRun_IsAnError()
    {
        Lab lab = Asking();
        RunHandle run = lab.Client().Get(RunId.New(lab.Time));
        foreach (Func<Task> wait in (Func<Task>[])[() => run.WaitAsync(Token), () => run.WaitUntilSettledAsync(Token), () => FollowAsync(run)])
        {
            StewardException error = await Assert.ThrowsAsync<StewardException>(() => wait().WaitAsync(s_limit, Token));
            Assert.Contains(run.Id.ToString(), error.Message, StringComparison.Ordinal);
        }

        async Task FollowAsync(RunHandle one)
        {
            await foreach (JournalEntry _ in one.FollowAsync(3, Token))
            {
            }
        }
    }

    [Fact]
    public async Task Start_AUsedKeyWithAnotherRequest_IsAnError()
    {
        Lab lab = Asking();
        var request = new RunRequest("one") { Key = "k", Session = "s", User = "ana" };
        RunId first = await lab.StartAsync(request);
        Assert.Equal(first, await lab.StartAsync(new RunRequest("one") { Key = "k", Session = "s", User = "ana", Trace = new TraceContext("x", null) }));
        Assert.NotEqual(first, await lab.StartAsync(new RunRequest("two") { Key = "k", Tenant = "other" }));

        foreach (RunRequest other in (RunRequest[])
            [new("two") { Key = "k", Session = "s", User = "ana" }, new("one") { Key = "k", User = "ana" }, new("one") { Key = "k", Session = "s" }])
        {
            KeyReusedException error = await Assert.ThrowsAsync<KeyReusedException>(() => lab.StartAsync(other));
            Assert.Equal(("k", first), (error.Key, error.Run));
        }
    }

    private static async Task<(RunStatus, string?)> EndAsync(Lab lab, Task<RunResult> settled)
    {
        for (int i = 0; i < 2_000 && !settled.IsCompleted; i++)
        {
            lab.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5, Token);
        }

        RunResult result = await settled.WaitAsync(s_limit, Token);
        return (result.Status, result.Output);
    }

    /// <summary>Lets some polls happen.</summary>
    private static async Task PollsAsync(Lab lab, Task waiting, int polls)
    {
        for (int poll = 0; poll < polls && !waiting.IsCompleted; poll++)
        {
            for (int i = 0; i < 2_000 && lab.Time.PendingTimers == 0 && !waiting.IsCompleted; i++)
                await Task.Delay(5, Token);
            lab.Time.Advance(TimeSpan.FromSeconds(1));
            for (int i = 0; i < 2_000 && lab.Time.PendingTimers == 0 && !waiting.IsCompleted; i++)
                await Task.Delay(5, Token);
        }
    }

    private static Lab Asking() => new(
        new FunctionModel((m, _) => m.Any(x => x.Role == ChatRole.Tool) ? Says("done") : Calls_(("ask_user", new { question = "Which one?" }))),
        Harness.Agent(BuiltInTools.AskUser).Build());

    /// <summary>An agent that hands what it is asked to a helper, which asks somebody when it reads <c>ask</c>.</summary>
    private static Lab Family()
    {
        AgentDefinition helper = new AgentBuilder("helper").Instruct("You help.").UseModel(Harness.Model).AddTools(BuiltInTools.AskUser).Build();
        var model = new FunctionModel((messages, options) =>
        {
            string task = messages.First(m => m.Role == ChatRole.User).Text;
            if (options.Tools!.Any(t => t.Name == "helper"))
                return messages.Any(m => m.Role == ChatRole.Tool) ? Says("over") : Calls_(("helper", new { task }));
            return task == "ask" ? Calls_(("ask_user", new { question = "Which?" })) : Says($"did {task}");
        });
        return new Lab(model, Harness.Agent(BuiltInTools.Agent("helper", "Helps.")).Build(), others: helper);
    }
}
