using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Steward.Cli.Host;
using Steward.Cli.Rendering;

namespace Steward.Cli.Tests.Commands;

/// <summary>What the terminal is given: nothing that it would obey, nothing that cannot be seen, no line that somebody else made up.</summary>
public sealed class OutputTests : IDisposable
{
    private const string Hostile = "a\u001b[31mb\u202ec\u200bd\u0007";
    private const string Shown = "a\\u001b[31mb\\u202ec\\u200bd\\u0007";

    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _out.Dispose();
        _error.Dispose();
    }

    [Fact]
    public void Everything_HostileText_IsEscaped()
    {
        var output = new Output(_out, _error, colour: false, json: false);
        output.Line(Hostile);
        output.Raw(Hostile);
        output.Table(["name"], [[Hostile + "\r\nforged\t!"]]);
        output.Error(Hostile);

        Assert.Equal(3, _out.ToString().Split(Shown).Length - 1);
        Assert.Contains(Shown + " forged !", _out.ToString(), StringComparison.Ordinal);
        Assert.Contains(Shown, _error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", _out.ToString() + _error, StringComparison.Ordinal);
    }

    [Fact]
    public void Colour_HostileText_IsEscaped()
    {
        var output = new Output(_out, _error, colour: true, json: false);
        output.Line(Hostile);
        output.Table(["name"], [[Hostile]]);
        Assert.DoesNotContain("\u202e", _out.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[31m", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Json_HostileText_IsTheSameDocument()
    {
        var output = new Output(_out, _error, colour: false, json: true);
        output.Document(new JsonObject { ["text"] = Hostile });
        Assert.DoesNotContain("\u202e", _out.ToString(), StringComparison.Ordinal);
        Assert.Equal(Hostile, JsonNode.Parse(_out.ToString())!["text"]!.GetValue<string>());
    }

    [Fact]
    public void Raw_CharacterInTwoPieces_IsWhole()
    {
        var output = new Output(_out, _error, colour: false, json: false);
        foreach (string piece in (string[])["a\ud83d", "\ude00 ⚠", "\ufe0f\r", "\nb"])
            output.Raw(piece);
        Assert.Equal("a😀 ⚠\ufe0f\nb", _out.ToString());
    }

    [Fact]
    public void Error_FurtherLines_AreSetIn()
    {
        var output = new Output(_out, _error, colour: false, json: false);
        output.Error("'x\nerror: forged' is no media type");
        Assert.DoesNotContain("\nerror: forged", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Log_LineBreakInAValue_StaysOnItsLine()
    {
        ILogger logger = new StderrLogger("Steward.Engine", new Output(_out, _error, colour: false, json: false));
        logger.LogWarning(new InvalidOperationException("boom\nerror: forged"), "Run {Run}: tool {Tool} threw", "r", "t\r\nerror: forged");
        Assert.Equal("warning: Run r: tool t\\r\\nerror: forged threw: boom\\nerror: forged\n", _error.ToString());
    }
}
