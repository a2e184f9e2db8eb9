using Microsoft.Extensions.AI;
using Steward.Models;
using Steward.Testing;
using Steward.Testing.Scripting;

namespace Steward.Declarative.Tests;

public sealed class ScriptFileTests
{
    private const string Everything = """
        name: full
        prices: { input: 3, output: 15.50 }
        turns:
          - when: { user: hello, turn: 1, instructions: polite }
            repeat: always
            reasoning: Be kind.
            say: Hello!
            finish: stop
            delay: 200ms
            usage: { input: 100, output: 20, cache_read: 50, cache_write: 5 }
            fault: { kind: rate_limited, retry_after: 1.5s, times: 3 }
          - when: { tool_result: { name: lookup, contains: found, match: 'id=(?<id>\d+)' } }
            repeat: 2
            say: Got {{result.id}}.
          - when: { default: true }
            fault: overloaded
        """;

    [Fact]
    public async Task ScriptFile_EveryKey_IsRead()
    {
        var time = new ManualTimeProvider();
        using var client = ScriptFile.Parse(Everything, "scripts/x.yaml", time);
        Assert.Equal(("full", "scripted:full", 3m, 15.50m), (client.Name, client.ModelId, client.InputPerMillion, client.OutputPerMillion));
        var options = new ChatOptions { Instructions = "Be polite." };
        for (int i = 0; i < 4; i++)
        {
            Task<ChatResponse> asked = client.GetResponseAsync([new(ChatRole.User, "Oh, hello")], options, TestContext.Current.CancellationToken);
            Assert.False(asked.IsCompleted);
            time.Advance(TimeSpan.FromMilliseconds(200));
            if (i < 3)
                Assert.Equal(TimeSpan.FromSeconds(1.5), (await Assert.ThrowsAsync<Models.ModelException>(() => asked)).RetryAfter);
            else
                Assert.Equal("Hello!", (await asked).Text);
        }

        ChatMessage[] result =
        [
            new(ChatRole.User, "?"),
            new(ChatRole.Assistant, [new FunctionCallContent("1", "lookup")]),
            new(ChatRole.Tool, [new FunctionResultContent("1", "Found id=7")]),
        ];
        Assert.Equal("Got 7.", (await client.GetResponseAsync(result, null, TestContext.Current.CancellationToken)).Text);
    }

    [Fact]
    public void ScriptFile_ExamplesOfTheDocs_AreRead()
    {
        DirectoryInfo root = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "docs", "scripted-models.md")))
            root = root.Parent ?? throw new DirectoryNotFoundException("docs/scripted-models.md is in no parent directory.");
        string[] parts = File.ReadAllText(Path.Combine(root.FullName, "docs", "scripted-models.md")).Split("```yaml\n");
        Assert.Equal(3, parts.Length);
        foreach (string part in parts.Skip(1))
            ScriptFile.Parse(part[..part.IndexOf("```", StringComparison.Ordinal)], "docs/scripted-models.md").Dispose();
    }

    [Fact]
    public void ScriptFile_NoName_IsNamedAfterItsFile()
    {
        using var client = ScriptFile.Parse("turns: [{ say: hi }]", "some/where/refund.yaml");
        Assert.Equal("refund", client.Name);
    }

    [Theory]
    [InlineData("turns:\n  - say: hi\n    repet: 2\n", 3, "'repet' is not a key of a turn. Did you mean 'repeat'?")]
    [InlineData("turns:\n  - wen: hi\n", 2, "'wen' is not a key of a turn. Did you mean 'when'?")]
    [InlineData("name: x\n", 1, "A script lacks 'turns'. Write a list of what the model says")]
    [InlineData("turns: hello\n", 1, "'turns' is a list (lines that start with '- '), not 'hello'.")]
    [InlineData("- say: hi\n", 1, "A script is a map ('key: value' lines), not a list.")]
    [InlineData("turns:\n  - when: { user: x }\n", 2, "This turn answers nothing. Give it 'say'")]
    [InlineData("turns:\n  - say: hi\n    delay: soon\n", 3, "'soon' is not a time. Write a number with its unit: 500ms")]
    [InlineData("turns:\n  - say: hi\n    repeat: never\n", 3, "'never' is not how often a turn is used. Write a whole number from 1, or 'always'.")]
    [InlineData("turns:\n  - say: hi\n    finish: done\n", 3, "'done' is not a reason to finish.")]
    [InlineData("turns:\n  - say: hi\n    fault: { kind: fire }\n", 3, "'fire' is not a kind of fault.")]
    [InlineData("turns:\n  - say: hi\n    fault: { times: 2 }\n", 3, "'fault' lacks 'kind'. Write one")]
    [InlineData("turns:\n  - call: { arguments: {} }\n", 2, "A call lacks 'tool'. Name the tool.")]
    [InlineData("turns:\n  - call: { tool: t, arguments: [1] }\n", 2, "'arguments' is a map ('key: value' lines), not a list.")]
    [InlineData("turns:\n  - say: hi\n    capture: { id: 'rows[' }\n", 3, "'rows[' is not a path. Write one such as $.rows[0].id")]
    [InlineData("turns:\n  - say: hi\n    when: { user: { match: '(' } }\n", 3, "'(' is not a regular expression")]
    [InlineData("turns:\n  - say: hi\n    when: { turn: 0 }\n", 3, "'0' is not a whole number from 1.")]
    [InlineData("turns:\n  - say: hi\n    when: { default: maybe }\n", 3, "'maybe' is neither true nor false.")]
    [InlineData("turns:\n  - say: hi\n    usage: { input: -1 }\n", 3, "'-1' is not a whole number from 0.")]
    [InlineData("prices: { input: free }\nturns: []\n", 1, "'free' is not an amount of US dollars.")]
    [InlineData("turns:\n  - say: {{user}}\n", 2, "A text is expected here, not a map.")]
    [InlineData("turns:\n  - say: [\n", 3, "This is not YAML")]
    [InlineData("", 1, "The file is empty.")]
    public void ScriptFile_Mistake_NamesFileLineValueAndRemedy(string yaml, int line, string message)
    {
        var error = Assert.Throws<AgentFileException>(() => ScriptFile.Parse(yaml, "scripts/refund.yaml"));
        Assert.Contains($"): {message}", error.Message, StringComparison.Ordinal);
        Assert.StartsWith($"scripts/refund.yaml({line},", error.Message, StringComparison.Ordinal);
        Assert.Equal((line, "scripts/refund.yaml"), (error.Line, error.File));
    }

    [Theory]
    [InlineData("true", "1h", "3600")]
    [InlineData("True", "0.5d", "43200")]
    [InlineData("TRUE", "2m", "120")]
    public async Task ScriptFile_FlagsAndTimes_AreReadAsInAgentYaml(string flag, string time, string seconds)
    {
        var clock = new ManualTimeProvider();
        using ScriptedChatClient client = ScriptFile.Parse($"turns:\n  - {{ when: {{ default: {flag} }}, say: hi, delay: {time} }}", time: clock);

        Task<ChatResponse> asked = client.GetResponseAsync([new(ChatRole.User, "x")], null, TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromSeconds(int.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture)) - TimeSpan.FromMilliseconds(1));
        Assert.False(asked.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("hi", (await asked).Text);
    }

    [Fact]
    public void ScriptFile_Absent_SaysSo()
    {
        var error = Assert.Throws<AgentFileException>(() => ScriptFile.Load("nowhere/script.yaml"));
        Assert.Contains("The file cannot be read", error.Message, StringComparison.Ordinal);
    }
}
