using Microsoft.Extensions.AI;
using Steward.Models;
using Steward.Testing;
using Steward.Testing.Scripting;

namespace Steward.Tests.Testing;

public sealed class ScriptYamlTests
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
    public async Task ScriptYaml_EveryKey_IsRead()
    {
        var time = new ManualTimeProvider();
        using var client = ScriptedChatClient.FromYaml(Everything, "scripts/x.yaml", time);
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
    public void ScriptYaml_ExamplesOfTheDocs_AreRead()
    {
        DirectoryInfo root = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "docs", "scripted-models.md")))
            root = root.Parent ?? throw new DirectoryNotFoundException("docs/scripted-models.md is in no parent directory.");
        string[] parts = File.ReadAllText(Path.Combine(root.FullName, "docs", "scripted-models.md")).Split("```yaml\n");
        Assert.Equal(3, parts.Length);
        foreach (string part in parts.Skip(1))
            ScriptedChatClient.FromYaml(part[..part.IndexOf("```", StringComparison.Ordinal)], "docs/scripted-models.md").Dispose();
    }

    [Fact]
    public void ScriptYaml_NoName_IsNamedAfterItsFile()
    {
        using var client = ScriptedChatClient.FromYaml("turns: [{ say: hi }]", "some/where/refund.yaml");
        Assert.Equal("refund", client.Name);
    }

    [Theory]
    [InlineData("turns:\n  - say: hi\n    repet: 2\n", 3, "'repet' is not a key of a turn; expected when, repeat")]
    [InlineData("turns:\n  - wen: hi\n", 2, "'wen' is not a key of a turn")]
    [InlineData("name: x\n", 1, "a script needs 'turns'")]
    [InlineData("turns: hello\n", 1, "turns is a list: lines that start with '- ', not 'hello'")]
    [InlineData("- say: hi\n", 1, "a script is a map of keys and values, not a list")]
    [InlineData("turns:\n  - when: { user: x }\n", 2, "this turn answers nothing; give it 'say'")]
    [InlineData("turns:\n  - say: hi\n    delay: soon\n", 3, "'soon' is not a time; write one such as 200ms")]
    [InlineData("turns:\n  - say: hi\n    repeat: never\n", 3, "'never' is not a whole number from 1; or write 'always'")]
    [InlineData("turns:\n  - say: hi\n    finish: done\n", 3, "'done' is not a reason to finish; write stop, length")]
    [InlineData("turns:\n  - say: hi\n    fault: { kind: fire }\n", 3, "'fire' is not a kind of fault; write overloaded")]
    [InlineData("turns:\n  - say: hi\n    fault: { times: 2 }\n", 3, "a fault needs 'kind'")]
    [InlineData("turns:\n  - call: { arguments: {} }\n", 2, "a call needs 'tool'")]
    [InlineData("turns:\n  - call: { tool: t, arguments: [1] }\n", 2, "'arguments' is a map of names and values")]
    [InlineData("turns:\n  - say: hi\n    capture: { id: rows }\n", 3, "'rows' is not a path; write one such as $.rows[0].id")]
    [InlineData("turns:\n  - say: hi\n    when: { user: { match: '(' } }\n", 3, "'(' is not a regular expression")]
    [InlineData("turns:\n  - say: hi\n    when: { turn: 0 }\n", 3, "'0' is not a whole number from 1")]
    [InlineData("turns:\n  - say: hi\n    when: { default: maybe }\n", 3, "'maybe' is neither true nor false")]
    [InlineData("turns:\n  - say: hi\n    usage: { input: -1 }\n", 3, "'-1' is not a whole number from 0")]
    [InlineData("prices: { input: free }\nturns: []\n", 1, "'free' is not an amount of US dollars")]
    [InlineData("turns:\n  - say: {{user}}\n", 2, "a text was expected, not a map; put texts that start with '{{' in quotes")]
    [InlineData("turns:\n  - say: [\n", 3, "this is not YAML")]
    [InlineData("", 1, "a script is one YAML document, this file has 0")]
    public void ScriptYaml_Mistake_NamesFileLineValueAndRemedy(string yaml, int line, string message)
    {
        var error = Assert.Throws<ScriptException>(() => ScriptedChatClient.FromYaml(yaml, "scripts/refund.yaml"));
        Assert.StartsWith($"scripts/refund.yaml:{line}: {message}", error.Message, StringComparison.Ordinal);
        Assert.Equal(line, error.Line);
        Assert.Equal("scripts/refund.yaml", error.Path);
    }
}
