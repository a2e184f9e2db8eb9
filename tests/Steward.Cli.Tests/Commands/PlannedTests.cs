namespace Steward.Cli.Tests.Commands;

/// <summary>A planned agent of an agent.yaml, from plan to answer. The model is scripted.</summary>
public sealed class PlannedTests
{
    private const string Script = """
        prices: { input: 1, output: 5 }
        turns:
          - when: { user: { match: 'Before anything is done, make a plan' } }
            say: '{"steps":[{"id":"find","goal":"find them","successCriterion":"ids known"},{"id":"drop","goal":"drop them","successCriterion":"gone","dependsOn":["find"],"destructive":true}]}'
          - when: { user: { match: 'Your step \((?<id>\w+)\)' } }
            repeat: always
            say: 'Step {{user.id}} is done.'
          - when: { user: { match: 'All steps of the plan are done' } }
            say: Both steps are done.
        """;

    [Fact]
    public async Task Run_DestructivePlan_WaitsForApprovalAndThenRunsItsSteps()
    {
        using var folder = new AgentFolder(Script, tools: null, more: "planning: {}");
        CliResult asked = await folder.RunAsync("run", ".", "Clean up.");
        asked.Is(ExitCodes.Awaiting);
        Assert.Contains("- drop: drop them [destructive]", asked.Output, StringComparison.Ordinal);
        Assert.Contains("steward approve", asked.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("is completed: Step find is done.", asked.Output, StringComparison.Ordinal);

        (await folder.RunAsync("approve", "last", "--by", "ana")).Is(ExitCodes.Ok);
        CliResult done = await folder.RunAsync("run", ".", "--resume", "last");
        done.Is(ExitCodes.Ok);
        Assert.Contains("is completed: Step find is done.", done.Output, StringComparison.Ordinal);
        Assert.Contains("is completed: Step drop is done.", done.Output, StringComparison.Ordinal);
        Assert.Contains("Both steps are done.", done.Output, StringComparison.Ordinal);
        Assert.Contains("4 model calls", done.Output, StringComparison.Ordinal);
    }
}
