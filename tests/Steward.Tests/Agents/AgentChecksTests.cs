using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.Tests.Support;
using Steward.Tools;

namespace Steward.Tests.Agents;

/// <summary>Mistakes that used to be silent are errors when the agent is built, with the value and the remedy.</summary>
public sealed class AgentChecksTests
{
    private const string Paying = """{"type":"object","properties":{"amount":{"type":"integer"}},"additionalProperties":false}""";

    public static TheoryData<ApprovalPolicy, string> PoliciesThatGuardNothing => new()
    {
        { new() { Name = "p", Tools = ["pya"] }, "The approval policy 'p' names the tool 'pya', and there is none of that name, so it would guard nothing. Did you mean 'pay'? There are: pay, look." },
        { new() { Name = "p", Tools = ["pay", "refund_*"] }, "The approval policy 'p' names the tool 'refund_*', and there is none of that name, so it would guard nothing. Write one of: pay, look." },
        { new() { Name = "p", Tools = [""] }, "names the tool ''" },
        { new() { Name = "p", Tools = ["Pay"] }, "names the tool 'Pay', and there is none of that name, so it would guard nothing. Did you mean 'pay'?" },
        { new() { Name = "p", Tools = ["pay"], Effects = [ToolEffect.Idempotent] }, "names 'pay', but no such tool has the effect" },
        { new() { Name = "p", Tools = ["look"], Destructive = true }, "names 'look', but no such tool has the effect" },
        { new() { Name = "p", Tools = ["pay"], CostAbove = 5 }, "names 'pay', but no such tool has the effect, the cost" },
        { new() { Name = "p", Tools = ["pay"], Arguments = JsonElement.Parse("""{"required":["ammount"]}""") }, "is about 'ammount', and 'pay' takes no such argument, so it would not hold what it says. Did you mean 'amount'?" },
        { new() { Name = "p", Tools = ["pay"], Required = false, Arguments = JsonElement.Parse("""{"properties":{"sum":{"maximum":20}}}""") }, "is about 'sum'" },
        { new() { Name = "p", CostAbove = -1 }, "is for costs above -1 US dollars; give 0 or more." },
        { new() { Name = "p", Roles = [" "] }, "has a role without a name" },
        { new() { Name = "p", Assignee = "" }, "has an assignee without a name" },
    };

    [Theory]
    [MemberData(nameof(PoliciesThatGuardNothing))]
    public void Build_APolicyThatGuardsNothing_IsAnError(ApprovalPolicy policy, string says) =>
        Assert.Contains(says, Fails(Harness.Agent(Pay, Look).AddApprovals(policy)), StringComparison.Ordinal);

    [Fact]
    public void Build_PoliciesThatGuard_Pass() => Harness.Agent(Pay, Look).AddApprovals(
        new() { Name = "a", Tools = ["pay", "l*", "read_result"] },
        new() { Name = "b", Tools = ["pay"], Destructive = true, Arguments = JsonElement.Parse("""{"required":["amount"],"properties":{"amount":{"minimum":5}}}""") },
        new() { Name = "c", Destructive = false },
        new() { Name = "d", Tools = ["look"], Arguments = JsonElement.Parse("""{"required":["anything"]}""") }).Build();

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void Build_AToolWithoutADescription_IsAnError(string description)
    {
        var tool = new ToolDefinition("pay", description, JsonElement.Parse(Paying), Handler);
        Assert.Equal(
            "The tool 'pay' has no description. Say what it does and when to use it: the model chooses by it.", Fails(Harness.Agent(tool)));
        Assert.Contains("no description", Fails(Harness.Agent(BuiltInTools.Agent("other", description))), StringComparison.Ordinal);
        Assert.Contains(
            "no description",
            Fails(Harness.Agent(ToolFactory.FromMethod((int amount) => "paid", new ToolOptions { Name = "pay", Description = description }))),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Build_AToolOutOfRange_IsAnErrorHoweverItWasMade()
    {
        Assert.Contains("cannot cost -0.5 US dollars", Fails(Harness.Agent(Made(cost: -0.5m))), StringComparison.Ordinal);
        Assert.Contains("cannot have the timeout 00:00:00", Fails(Harness.Agent(Made(timeout: TimeSpan.Zero))), StringComparison.Ordinal);
        Assert.Contains("MaxResult of 1 or more", Fails(Harness.Agent(Made(maxResult: 0))), StringComparison.Ordinal);
        Assert.Contains("key memory -00:00:01", Fails(Harness.Agent(Made(memory: TimeSpan.FromSeconds(-1)))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("read_result")]
    [InlineData("Read_Result")]
    public void Build_AReservedToolName_SaysSo(string name) => Assert.Equal(
        $"The tool name '{name}' is reserved: the runtime's own tool 'read_result' reads on in long results. Give the tool another name.",
        Fails(Harness.Agent(Harness.Tool(name, _ => ""))));

    [Theory]
    [InlineData("", "m")]
    [InlineData("scripted", "")]
    [InlineData("scripted", " ")]
    public void Build_AModelWithoutAName_IsAnErrorInAnyRole(string provider, string model)
    {
        foreach (ModelRole role in Enum.GetValues<ModelRole>())
            Assert.Equal(
                $"The agent 'tester' has the model '{provider}/{model}' for the role {role}; name both, the provider and its model.",
                Fails(Harness.Agent().UseModel(role, new ModelTarget(provider, model))));
    }

    [Theory]
    [InlineData("WallTime", "AgentLimits.WallTime is 10675199.02:48:05.4775807; it must be from 00:00:00.0010000 to 365.00:00:00.")]
    [InlineData("Attempts", "AgentLimits.Attempts is 0; it must be from 1 to 1000.")]
    [InlineData("MinOutput", "AgentLimits.MinOutput is -1; it must be from 1 to 100000.")]
    public void Build_ALimitOutOfRange_IsAnError(string limit, string says) => Assert.Equal(says, Fails(Harness.Agent().WithLimits(limit switch
    {
        "WallTime" => new AgentLimits { WallTime = TimeSpan.MaxValue },
        "Attempts" => new AgentLimits { Attempts = 0 },
        _ => new AgentLimits { MinOutput = -1 },
    })));

    [Fact]
    public void Registry_TwoDefinitionsOfOneVersion_AreAnError()
    {
        AgentDefinition one = Harness.Agent(Pay).Build();
        var registry = new AgentRegistry(one, Harness.Agent(Pay).Build());
        ArgumentException e = Assert.Throws<ArgumentException>(() => registry.Add(Harness.Agent(Pay).Instruct("You pay twice.").Build()));

        Assert.Equal("There are two different definitions of the agent 'tester' in version '1'. Give one of them another version, or another name.", e.Message);
        Assert.Equal(one.Hash, registry.Find("tester")?.Hash);
        registry.Add(new AgentBuilder("tester", "2").UseModel(Harness.Model).Build());
        Assert.Equal("2", registry.Find("tester")?.Version);
    }

    private static ToolDefinition Pay => new("pay", "Pays.", JsonElement.Parse(Paying), Handler) { Destructive = true, CostUsd = 0.1m };

    private static ToolDefinition Look => Harness.Tool("look", _ => "seven");

    private static ToolHandler Handler => (_, _, _) => ValueTask.FromResult(new ToolOutput("paid"));

    private static ToolDefinition Made(decimal cost = 0, TimeSpan? timeout = null, int maxResult = 1, TimeSpan? memory = null) =>
        new("pay", "Pays.", JsonElement.Parse(Paying), Handler)
        {
            CostUsd = cost,
            Timeout = timeout ?? TimeSpan.FromSeconds(1),
            MaxResult = maxResult,
            KeyMemory = memory ?? TimeSpan.Zero,
        };

    private static string Fails(AgentBuilder agent) => Assert.Throws<ArgumentException>(agent.Build).Message;
}
