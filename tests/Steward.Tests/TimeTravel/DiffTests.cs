using Steward.Client;
using Steward.Journal;
using Steward.Tests.Support;
using Steward.TimeTravel;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.TimeTravel;

public sealed class DiffTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Diff_TheSameAgain_IsNone()
    {
        Lab lab = Make();
        RunId a = await RunAsync(lab, "go"), b = await RunAsync(lab, "go");

        RunDiff diff = await lab.Client().DiffAsync(a, b, Token);

        Assert.Empty(diff.Differences);
        Assert.Null(diff.First);
        Assert.Equal(diff.Left.Spent, diff.Right.Spent);
    }

    [Fact]
    public async Task Diff_OfAFork_NamesWhatItChangedAndWhatCameOfIt()
    {
        Lab lab = Make();
        RunId origin = await RunAsync(lab, "go");
        RunHandle fork = await lab.Client().ForkAsync(origin, new ForkRequest { Result = new ForkResult(1, 0, "eight") }, Token);
        await lab.WorkAllAsync();

        RunDiff diff = await lab.Client().DiffAsync(origin, fork.Id, Token);

        Assert.Equal("result", diff.First!.Kind);
        Assert.Equal("look: seven", diff.First.Left!.Text);
        Assert.Equal("look: eight", diff.First.Right!.Text);
        Assert.Equal(["result", "answer", "end", "cost"], diff.Differences.Select(d => d.Kind));
        Assert.Equal(origin, diff.Right.Origin!.Run);
    }

    [Fact]
    public async Task Diff_ALongerRun_AlignsWhatIsCommon()
    {
        Lab lab = Make();
        RunId a = await RunAsync(lab, "go"), b = await RunAsync(lab, "go twice");

        RunDiff diff = await lab.Client().DiffAsync(a, b, Token);

        Assert.Equal("input", diff.First!.Kind);
        Assert.Contains(diff.Differences, d => d is { Kind: "call", Left: null });
        Assert.DoesNotContain(diff.Differences, d => d.Kind is "state" or "end");
    }

    private static Lab Make()
    {
        var model = new FunctionModel((m, _) =>
        {
            string[] seen = [.. m.SelectMany(x => x.Contents).OfType<Microsoft.Extensions.AI.FunctionResultContent>().Select(r => $"{r.Result}")];
            bool twice = m.Any(x => x.Text == "go twice");
            return seen.Length < (twice ? 2 : 1) ? Calls_(("look", new { id = seen.Length })) : Says($"saw {seen[0]}");
        });
        return new Lab(model, Harness.Agent(Harness.Tool("look", _ => "seven")).Build());
    }

    private static async Task<RunId> RunAsync(Lab lab, string text)
    {
        RunId run = await lab.StartAsync(new RunRequest(text));
        await lab.WorkAllAsync();
        return run;
    }
}
