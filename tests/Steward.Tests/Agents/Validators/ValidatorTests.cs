using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using static Steward.Tests.Agents.Validators.Validation;

namespace Steward.Tests.Agents.Validators;

public sealed class ValidatorTests
{
    [Fact]
    public async Task Delegate_Finding_IsTheMethods()
    {
        var validator = new DelegateValidator("d", "Checks.", (context, _) => new(Finding.Failed(context.Answer)));

        Assert.Equal(Finding.Failed("x"), await validator.LookAsync("x"));
        Assert.Equal(("d", "Checks."), (validator.Name, validator.Description));
    }

    [Theory]
    [InlineData(0, null, null, null, Verdict.Failed)]
    [InlineData(1, null, null, null, Verdict.Passed)]
    [InlineData(2, 1, null, null, Verdict.Failed)]
    [InlineData(2, 2, null, null, Verdict.Passed)]
    [InlineData(2, null, 1, 2, Verdict.Passed)]
    [InlineData(3, null, 1, 2, Verdict.Failed)]
    [InlineData(0, 0, null, null, Verdict.Passed)]
    public async Task ToolCalled_Count_DecidesTheVerdict(int calls, int? exactly, int? atLeast, int? atMost, Verdict verdict)
    {
        var times = new Bounds { Exactly = exactly, AtLeast = atLeast, AtMost = atMost };
        var validator = new ToolCalledValidator(new() { Name = "v", Tool = "send", Times = times.IsEmpty ? new() { AtLeast = 1 } : times });

        Finding finding = await validator.LookAsync("", [.. Enumerable.Range(1, calls).Select(turn => Call("send", """{"to":"ann"}""", turn)), Call("other", "{}")]);
        Assert.Equal(verdict, finding.Verdict);
        Assert.Contains($"'send' was called successfully {calls} times", finding.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ToolCalled_FailedAndRefusedCalls_DoNotCount()
    {
        var validator = new ToolCalledValidator(new() { Name = "v", Tool = "send" });

        Finding finding = await validator.LookAsync("", Call("send", "{}", isError: true), Call("send", "{}", started: false));
        Assert.Equal(Verdict.Failed, finding.Verdict);
        Assert.Contains("2 more calls failed or were refused", finding.Evidence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"to":"ann"}""", Verdict.Passed)]
    [InlineData("""{"to":"bob"}""", Verdict.Failed)]
    [InlineData("""{"cc":"ann"}""", Verdict.Failed)]
    [InlineData("""{"amount":5.0,"tags":["a",{"x":1}]}""", Verdict.Passed)]
    [InlineData("""{"tags":["a"]}""", Verdict.Failed)]
    [InlineData("""{"to":{"a":1}}""", Verdict.Failed)]
    public async Task ToolCalled_Arguments_MustContainThePattern(string pattern, Verdict verdict)
    {
        var validator = new ToolCalledValidator(new() { Name = "v", Tool = "send", Arguments = JsonElement.Parse(pattern) });

        Finding finding = await validator.LookAsync("", Call("send", """{"to":"ann","amount":5,"tags":["a",{"x":1,"y":2}]}"""));
        Assert.Equal(verdict, finding.Verdict);
        Assert.Contains("\"to\":\"ann\"", finding.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void ToolCalled_Contradiction_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new ToolCalledValidator(new() { Name = "v", Tool = "t", Times = new() }));
        Assert.Throws<ArgumentException>(() => new ToolCalledValidator(new() { Name = "v", Tool = "t", Times = new() { AtLeast = 2, AtMost = 1 } }));
        Assert.Throws<ArgumentException>(() => new ToolCalledValidator(new() { Name = "v", Tool = "t", Arguments = JsonElement.Parse("[]") }));
    }

    [Theory]
    [InlineData("^Ticket [0-9]+$", true, "Ticket 12", Verdict.Passed)]
    [InlineData("^Ticket [0-9]+$", true, "Done.", Verdict.Failed)]
    [InlineData("(?i)sorry", false, "I am sorry.", Verdict.Failed)]
    [InlineData("(?i)sorry", false, "Done.", Verdict.Passed)]
    [InlineData("^(a+)+$", true, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", Verdict.Inconclusive)]
    public async Task AnswerMatches_Pattern_DecidesTheVerdict(string pattern, bool matches, string answer, Verdict verdict)
    {
        Finding finding = await new AnswerMatchesValidator("v", pattern, matches).LookAsync(answer);

        Assert.Equal(verdict, finding.Verdict);
        Assert.Contains(pattern, finding.Evidence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"id":1}""", Verdict.Passed)]
    [InlineData(""" {"id":1} """, Verdict.Passed)]
    [InlineData("""{"id":"1"}""", Verdict.Failed)]
    [InlineData("""{}""", Verdict.Failed)]
    [InlineData("""Here you are: {"id":1}""", Verdict.Failed)]
    [InlineData("", Verdict.Failed)]
    public async Task AnswerSchema_Answer_MustBeValidJson(string answer, Verdict verdict)
    {
        var validator = new AnswerSchemaValidator("v", JsonElement.Parse("""{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"]}"""));
        Assert.Equal(verdict, (await validator.LookAsync(answer)).Verdict);
    }
}
