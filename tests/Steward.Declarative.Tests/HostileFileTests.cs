using System.Diagnostics;
using System.Text;
using Steward.Tests.Shared;

namespace Steward.Declarative.Tests;

/// <summary>YAML that would have no end: each file is refused with a place, in little time and memory.</summary>
public sealed class HostileFileTests
{
    private const int Seed = 13;
    private const long MostBytes = 64L << 20;
    private const string Head = "name: a\nversion: '1'\nmodels: { executor: anthropic/claude-haiku-4-5 }\nscript: script.yaml\n";
    private const string Script = "name: s\nturns:\n  - when: { default: true }\n    say: hi\n";

    public static TheoryData<string, string, string> Files
    {
        get
        {
            var bomb = new StringBuilder("name: s\nturns:\n  - call: { tool: x, arguments: { q: &a0 [x,x,x,x,x,x,x,x,x]");
            for (int i = 1; i < 10; i++)
                bomb.Append($", k{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 9))}]");
            return new TheoryData<string, string, string>
            {
                { Head, "name: s\nturns:\n  - call: { tool: x, arguments: &a { b: *a } }\n", "no end" },
                { Head + "approvals:\n  - { name: x, when: &a { properties: *a } }\n", Script, "no end" },
                { Head + "description: &a [[*a]]\n", Script, "no end" },
                { Head + "description: &a { ? *a : b }\n", Script, "no end" },
                { Head, bomb.Append(" } }\n").ToString(), "aliases are followed" },
                { Head + "x: " + new string('[', 50_000) + "\n", Script, "levels deep" },
                { Head + "x: " + string.Concat(Enumerable.Repeat("- ", 50_000)) + "\n", Script, "" },
                { Head + "x: &a [" + string.Concat(Enumerable.Repeat("[", 40)) + string.Concat(Enumerable.Repeat("]", 40)) + "]\ny: [[[[[[[[[[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]]]]]]]]]\n", Script, "levels deep" },
                { Head + "x: &a b\ny: [" + string.Concat(Enumerable.Repeat("*a,", 1_001)) + "]\n", Script, "aliases" },
                { Head + "description: &d {a: 1}\n<<: *d\n", Script, "" },
                { Head + "instructions: \"a\\0b\"\n", Script, "U+0000" },
                { Head + "instructions: \"\\ud800\"\n", Script, "" },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Load_HostileFile_IsRefusedWithAPlace(string agent, string script, string says)
    {
        using var folder = new AgentFolder(("agent.yaml", agent), ("script.yaml", script));
        AgentFileException error = Refused(folder.Path);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.True(error.Line >= 1 && error.Column >= 1);
    }

    /// <summary>The files that went wrong when they were tried.</summary>
    [Theory]
    [InlineData("yaml-self")]
    [InlineData("yaml-selfagent")]
    [InlineData("yaml-bomb2")]
    [InlineData("yaml-deep")]
    [InlineData("yaml-merge")]
    public void Load_HostileFolder_IsRefusedWithAPlace(string name) => Refused(TestData.Require($"hostile/{name}"));

    [Fact]
    public void Load_NotUtf8_IsRefused()
    {
        using var folder = new AgentFolder(("script.yaml", Script));
        File.WriteAllBytes(folder.File("agent.yaml"), [.. Encoding.UTF8.GetBytes(Head + "instructions: a"), 0xFF, 0xFE, (byte)'\n']);
        Assert.Contains("UTF-8", Refused(folder.Path).Message, StringComparison.Ordinal);
    }

    /// <summary>Pieces of files put together at random: read, or refused with a place; never another exception, never without end.</summary>
    [Fact]
    public void Load_PiecesAtRandom_IsReadOrRefused()
    {
        string[] pieces =
        [
            "name: a\n", "version: 1\n", "turns:\n", "  - say: hi\n", "script: script.yaml\n", "&a ", "*a", "*b", "[", "]", "{", "}", ": ", ", ", "- ", "\n", "  ", "\t",
            "? ", "<<: *a\n", "!!str ", "| \n", "> \n", "\"\\ud800\"", "\"\\0\"", "'", "\"", "#", "---\n", "...\n", "%YAML 1.2\n", "@", "`", "approvals:\n", "tools:\n", "limits: ",
            "&a [*a]", "{ &a x: *a }", "1e999", ".inf", "0x7fffffffffffffffff", "~", "\u2028", "\ufeff", "\u0085", "when: { default: true }", "call: { tool: x, arguments: ",
        ];
        var random = new Random(Seed);
        var clock = Stopwatch.StartNew();
        TimeSpan most = TimeSpan.FromSeconds(SuiteSize.Of(quick: 3, full: 60));
        using var folder = new AgentFolder(("script.yaml", Script));
        while (clock.Elapsed < most)
        {
            var text = new StringBuilder(random.Next(2) == 0 ? Head : "name: s\nturns:\n  - ");
            for (int n = random.Next(24); n > 0; n--)
                text.Append(pieces[random.Next(pieces.Length)]);
            folder.Write("agent.yaml", text.ToString());
            try
            {
                if (random.Next(2) == 0)
                    folder.Load();
                else
                    ScriptFile.Parse(text.ToString());
            }
            catch (AgentFileException e)
            {
                Assert.True(e.Line >= 1 && e.Column >= 1);
            }
            catch (Exception e)
            {
                Assert.Fail($"{e.GetType().Name} ({e.Message}) of seed {Seed}:\n{text}\n{e.StackTrace}");
            }
        }
    }

    private static AgentFileException Refused(string folder)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        AgentFileException error = Assert.Throws<AgentFileException>(() => AgentFile.Load(folder, new AgentFileOptions { Environment = _ => null }));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
        return error;
    }
}
