using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.Tests.Support;
using Steward.Tools;

namespace Steward.Tests.Agents;

public sealed class ApprovalPolicyTests
{
    [Theory]
    [InlineData("refund_order", "refund_*", true)]
    [InlineData("refund_order", "*order", true)]
    [InlineData("refund_order", "refund_order", true)]
    [InlineData("refund_order", "refund", false)]
    [InlineData("refund_order", "Refund_*", false)]
    public void Policy_ToolPattern_MatchesTheWholeName(string tool, string pattern, bool matches) =>
        Assert.Equal(matches, new ApprovalPolicy { Name = "p", Tools = ["other", pattern] }.MatchesTool(Tool(tool)));

    [Fact]
    public void Policy_Effect_MatchesOnlyThose()
    {
        var policy = new ApprovalPolicy { Name = "p", Effects = [ToolEffect.Unsafe, ToolEffect.Idempotent] };
        Assert.True(Rules(policy, Tool("a", ToolEffect.Unsafe)));
        Assert.False(Rules(policy, Tool("a", ToolEffect.ReadOnly)));
    }

    [Fact]
    public void Policy_Destructive_MatchesOnlyThoseOrOnlyTheOthers()
    {
        Assert.True(Rules(new ApprovalPolicy { Name = "p", Destructive = true }, Tool("a", destructive: true)));
        Assert.False(Rules(new ApprovalPolicy { Name = "p", Destructive = true }, Tool("a")));
        Assert.True(Rules(new ApprovalPolicy { Name = "p", Destructive = false }, Tool("a")));
    }

    [Fact]
    public void Policy_CostAbove_MatchesOnlyDearerTools()
    {
        var policy = new ApprovalPolicy { Name = "p", CostAbove = 0.5m };
        Assert.True(Rules(policy, Tool("a", cost: 0.51m)));
        Assert.False(Rules(policy, Tool("a", cost: 0.5m)));
    }

    [Theory]
    [InlineData("""{"amount":101}""", true)]
    [InlineData("""{"amount":100}""", false)]
    [InlineData("""{}""", false)]
    public void Policy_ArgumentCondition_MatchesByJsonSchema(string arguments, bool matches)
    {
        var policy = new ApprovalPolicy { Name = "p", Arguments = JsonElement.Parse("""{"required":["amount"],"properties":{"amount":{"exclusiveMinimum":100}}}""") };
        Assert.Equal(matches, Rules(policy, Tool("a"), arguments));
    }

    [Fact]
    public void Policy_ConditionThatIsNoSchema_IsRefused() =>
        Assert.Throws<ArgumentException>(() => new ApprovalPolicy { Name = "p", Arguments = JsonElement.Parse("""{"type":"amount"}""") });

    [Fact]
    public void Policies_FirstThatMatches_Rules()
    {
        ToolDefinition refund = Tool("refund");
        AgentDefinition agent = Harness.Agent(refund).AddApprovals(
            new ApprovalPolicy { Name = "small", Required = false, Arguments = JsonElement.Parse("""{"properties":{"amount":{"maximum":10}}}""") },
            new ApprovalPolicy { Name = "large" }).Build();
        Assert.Null(ApprovalPolicy.Of(agent, refund, JsonElement.Parse("""{"amount":10}""")));
        Assert.Equal("large", ApprovalPolicy.Of(agent, refund, JsonElement.Parse("""{"amount":11}"""))?.Name);
    }

    [Fact]
    public void Policy_NotRequired_WaivesWhatTheToolDeclares()
    {
        ToolDefinition declared = Tool("a", approval: true);
        Assert.NotNull(ApprovalPolicy.Of(Harness.Agent(declared).Build(), declared, JsonElement.Parse("{}")));
        Assert.Null(ApprovalPolicy.Of(Harness.Agent(declared).AddApprovals(new ApprovalPolicy { Name = "waived", Required = false }).Build(), declared, JsonElement.Parse("{}")));
    }

    [Fact]
    public void Policy_ForAllTools_LeavesOutWhatChangesNothingAndIsTheRuntimesOwn()
    {
        var policy = new ApprovalPolicy { Name = "all" };
        Assert.All([BuiltInTools.AskUser, BuiltInTools.WaitUntil, BuiltInTools.HandOff, ResultReader.Tool], t => Assert.False(Rules(policy, t)));
        Assert.True(Rules(policy, BuiltInTools.Agent("other", "Helps.")));
        Assert.True(Rules(policy with { Tools = ["*"] }, BuiltInTools.HandOff));
    }

    [Fact]
    public void Build_PolicyThatCannotWork_IsRefused()
    {
        ApprovalPolicy fine = new() { Name = "p" };
        Assert.Contains("two approval policies named 'p'", Refused(fine, fine), StringComparison.Ordinal);
        Assert.Contains("has no name", Refused(fine with { Name = " " }), StringComparison.Ordinal);
        Assert.Contains("at least 1", Refused(fine with { Approvers = 0 }), StringComparison.Ordinal);
        Assert.Contains("lets only 'ana' decide", Refused(fine with { Approvers = 2, Assignee = "ana" }), StringComparison.Ordinal);
        Assert.Contains("a time above 0", Refused(fine with { ExpiresAfter = TimeSpan.Zero }), StringComparison.Ordinal);
        Assert.Contains("approve, deny or stop", Refused(fine with { Default = Answer.Reply }), StringComparison.Ordinal);
    }

    private static string Refused(params ApprovalPolicy[] policies) =>
        Assert.Throws<ArgumentException>(() => Harness.Agent(Tool("a")).AddApprovals(policies).Build()).Message;

    private static bool Rules(ApprovalPolicy policy, ToolDefinition tool, string arguments = "{}")
    {
        AgentBuilder builder = Harness.Agent(ReferenceEquals(tool, ResultReader.Tool) ? [] : [tool]);
        return ApprovalPolicy.Of(builder.AddApprovals(policy).Build(), tool, JsonElement.Parse(arguments)) is not null;
    }

    private static ToolDefinition Tool(string name, ToolEffect effect = ToolEffect.Unsafe, bool destructive = false, bool approval = false, decimal cost = 0) =>
        new(name, "Tested.", JsonElement.Parse("{}"), (_, _, _) => ValueTask.FromResult(new ToolOutput("ok"))) { Effect = effect, Destructive = destructive, RequiresApproval = approval, CostUsd = cost };
}
