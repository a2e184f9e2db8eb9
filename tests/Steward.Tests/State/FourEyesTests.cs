using System.Text.Json;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.State;

/// <summary>Who may not approve under a policy of four eyes, from what a run knows of its starter.</summary>
public sealed class FourEyesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ann", null, "ann")]
    [InlineData(null, "ann", " ANN ")]
    [InlineData("shop", "ann", "shop")]
    [InlineData("shop", "ann", "ann")]
    public async Task Approve_ByWhoeverStartedIt_IsRefused(string? by, string? user, string approver)
    {
        (Lab lab, RunHandle run, QuestionInfo asked) = await AskAsync(new RunRequest("Pay") { By = by, User = user });

        Assert.Equal(DecisionStatus.FourEyes, (await run.AnswerAsync(asked.Id, Answer.Approve, approver, cancellationToken: Token)).Status);
        Assert.Equal(DecisionStatus.Accepted, (await run.AnswerAsync(asked.Id, Answer.Approve, "ben", cancellationToken: Token)).Status);
        await lab.WorkAllAsync();
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run.Id)).Status);
    }

    [Fact]
    public async Task Approve_StarterNotKnown_TakesTwoPeople()
    {
        (_, RunHandle run, QuestionInfo asked) = await AskAsync(new RunRequest("Pay"));

        Assert.Equal(DecisionStatus.Counted, (await run.AnswerAsync(asked.Id, Answer.Approve, "ann", cancellationToken: Token)).Status);
        Assert.Equal(DecisionStatus.AlreadyVoted, (await run.AnswerAsync(asked.Id, Answer.Approve, "ann", cancellationToken: Token)).Status);
        Assert.Equal(DecisionStatus.Accepted, (await run.AnswerAsync(asked.Id, Answer.Approve, "ben", cancellationToken: Token)).Status);
    }

    [Fact]
    public async Task Approve_EditedByTheStarter_IsRefusedToo()
    {
        (_, RunHandle run, QuestionInfo asked) = await AskAsync(new RunRequest("Pay") { By = "ann" });
        Decision edit = new() { Id = "1", Run = run.Id, Question = asked.Id, Answer = Answer.Approve, By = "ann", Arguments = JsonElement.Parse("{}") };
        Assert.Equal(DecisionStatus.FourEyes, (await run.DecideAsync(edit, Token)).Status);
    }

    [Fact]
    public void Build_ApprovesByItself_IsRefused() => Assert.Contains("eyes", Assert.Throws<ArgumentException>(() => Harness.Agent(Harness.Tool("pay", _ => "paid"))
        .AddApprovals(Policy with { ExpiresAfter = TimeSpan.FromHours(1), Default = Answer.Approve }).Build()).Message, StringComparison.Ordinal);

    private static ApprovalPolicy Policy { get; } = new() { Name = "eyes", Tools = ["pay"], FourEyes = true };

    private static async Task<(Lab Lab, RunHandle Run, QuestionInfo Asked)> AskAsync(RunRequest request)
    {
        var lab = new Lab(Script(Calls_(("pay", new { })), Says("done")), Harness.Agent(Harness.Tool("pay", _ => "paid")).AddApprovals(Policy).Build());
        RunHandle run = lab.Handle(await lab.StartAsync(request));
        await lab.WorkAllAsync();
        return (lab, run, Assert.Single(await run.GetQuestionsAsync(Token)));
    }
}
