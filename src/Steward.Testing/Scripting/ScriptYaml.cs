using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Steward.Testing.Scripting;

/// <summary>Reads a script from YAML. Every error names the file, the line, the value, and what to write instead.</summary>
internal sealed class ScriptYaml
{
    private static readonly TimeSpan s_matchTimeout = TimeSpan.FromSeconds(1);

    public required string Name { get; init; }

    public required IReadOnlyList<ScriptedTurn> Turns { get; init; }

    public decimal InputPerMillion { get; init; }

    public decimal OutputPerMillion { get; init; }

    public static ScriptYaml Read(string text, string path)
    {
        YamlValue root = Parse(text, path);
        root.Allow("a script", "name", "prices", "turns");
        YamlValue? prices = root.Find("prices");
        prices?.Allow("prices", "input", "output");
        YamlValue turns = root.Find("turns") ?? throw root.Error("a script needs 'turns': a list of what the model says, one after the other");
        return new ScriptYaml
        {
            Name = root.Find("name")?.Text() ?? Path.GetFileNameWithoutExtension(path),
            InputPerMillion = prices?.Find("input")?.Decimal() ?? 0,
            OutputPerMillion = prices?.Find("output")?.Decimal() ?? 0,
            Turns = [.. turns.Items("turns").Select(Turn)],
        };
    }

    private static YamlValue Parse(string text, string path)
    {
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents.Count == 1
                ? new YamlValue(stream.Documents[0].RootNode, path)
                : throw new ScriptException(path, 1, $"a script is one YAML document, this file has {stream.Documents.Count}; write 'turns:' and a list under it");
        }
        catch (YamlException e)
        {
            throw new ScriptException(path, e.Start.Line, $"this is not YAML: {e.Message} Quote texts that hold ': ', '#' or '{{{{'.", e);
        }
    }

    private static ScriptedTurn Turn(YamlValue turn)
    {
        turn.Allow("a turn", "when", "repeat", "say", "call", "reasoning", "capture", "finish", "delay", "usage", "fault");
        var read = new ScriptedTurn
        {
            When = turn.Find("when") is { } when ? When(when) : ScriptedWhen.Anything,
            Repeat = turn.Find("repeat") is { } repeat ? Repeat(repeat) : null,
            Say = turn.Find("say")?.Text(),
            Reasoning = turn.Find("reasoning")?.Text(),
            ToolCalls = turn.Find("call") is { } call ? Calls(call) : [],
            Captures = turn.Find("capture") is { } capture ? Captures(capture) : new Dictionary<string, string>(StringComparer.Ordinal),
            Finish = turn.Find("finish") is { } finish ? Finish(finish) : null,
            Delay = turn.Find("delay")?.Duration() ?? TimeSpan.Zero,
            Usage = turn.Find("usage") is { } usage ? Usage(usage) : null,
            Fault = turn.Find("fault") is { } fault ? Fault(fault) : null,
        };
        return read.HasReply || read.Fault is { SpoilsAnswer: false } ? read : throw turn.Error("this turn answers nothing; give it 'say', 'call', 'reasoning' or a 'fault'");
    }

    private static ScriptedWhen When(YamlValue when)
    {
        when.Allow("'when'", "user", "tool_result", "instructions", "turn", "default");
        YamlValue? user = when.Find("user");
        YamlValue? result = when.Find("tool_result");
        if (user is { IsMap: true })
            user.Value.Allow("'user'", "contains", "match");
        if (result is { IsMap: true })
            result.Value.Allow("'tool_result'", "name", "contains", "match");
        return new ScriptedWhen
        {
            User = user is { IsMap: true } ? user.Value.Find("contains")?.Text() : user?.Text(),
            UserMatch = user is { IsMap: true } && user.Value.Find("match") is { } userMatch ? Pattern(userMatch) : null,
            ToolResult = result is { IsMap: true } ? result.Value.Find("name")?.Text() ?? "*" : result?.Text(),
            ResultContains = result is { IsMap: true } ? result.Value.Find("contains")?.Text() : null,
            ResultMatch = result is { IsMap: true } && result.Value.Find("match") is { } resultMatch ? Pattern(resultMatch) : null,
            Instructions = when.Find("instructions")?.Text(),
            Turn = when.Find("turn") is { } turn ? turn.Whole(least: 1) : null,
            Default = when.Find("default")?.Flag() ?? false,
        };
    }

    private static Regex Pattern(YamlValue pattern)
    {
        try
        {
            return new Regex(pattern.Text(), RegexOptions.CultureInvariant, s_matchTimeout);
        }
        catch (ArgumentException e)
        {
            throw pattern.Error($"'{pattern.Text()}' is not a regular expression ({e.Message}); in YAML it stands best in single quotes", e);
        }
    }

    private static int Repeat(YamlValue repeat) => repeat.Text() is "always" or "true" ? int.MaxValue : repeat.Whole(least: 1, "; or write 'always'");

    private static ScriptedCall[] Calls(YamlValue calls) =>
        [.. (calls.IsList ? calls.Items("'call'") : [calls]).Select(Call)];

    private static ScriptedCall Call(YamlValue call)
    {
        call.Allow("a call", "tool", "arguments", "id");
        string tool = call.Find("tool")?.Text() ?? throw call.Error("a call needs 'tool', the tool's name");
        JsonNode? arguments = call.Find("arguments") is { } given
            ? given.Json() as JsonObject ?? throw given.Error("'arguments' is a map of names and values")
            : new JsonObject();
        return new ScriptedCall(tool, (JsonObject)arguments) { Id = call.Find("id")?.Text() };
    }

    private static Dictionary<string, string> Captures(YamlValue captures)
    {
        Dictionary<string, string> read = new(StringComparer.Ordinal);
        foreach ((string name, YamlValue path) in captures.Entries("'capture'"))
        {
            try
            {
                JsonPath.Parse(path.Text());
            }
            catch (FormatException e)
            {
                throw path.Error(e.Message.TrimEnd('.'), e);
            }

            read[name] = path.Text();
        }

        return read;
    }

    private static ChatFinishReason Finish(YamlValue finish) => finish.Text() switch
    {
        "stop" => ChatFinishReason.Stop,
        "length" => ChatFinishReason.Length,
        "tool_calls" => ChatFinishReason.ToolCalls,
        "content_filter" => ChatFinishReason.ContentFilter,
        string other => throw finish.Error($"'{other}' is not a reason to finish; write stop, length, tool_calls or content_filter"),
    };

    private static ScriptedUsage Usage(YamlValue usage)
    {
        usage.Allow("'usage'", "input", "output", "cache_read", "cache_write");
        return new ScriptedUsage(Count("input"), Count("output"), Count("cache_read"), Count("cache_write"));

        int Count(string key) => usage.Find(key)?.Whole(least: 0) ?? 0;
    }

    private static ScriptedFault Fault(YamlValue fault)
    {
        if (!fault.IsMap)
            return new ScriptedFault(Kind(fault));
        fault.Allow("'fault'", "kind", "retry_after", "times");
        return new ScriptedFault(Kind(fault.Find("kind") ?? throw fault.Error("a fault needs 'kind', for example overloaded")))
        {
            RetryAfter = fault.Find("retry_after")?.Duration(),
            Times = fault.Find("times") is { } times ? times.Whole(least: 1) : null,
        };
    }

    private static ScriptedFaultKind Kind(YamlValue kind) => kind.Text() switch
    {
        "overloaded" => ScriptedFaultKind.Overloaded,
        "rate_limited" => ScriptedFaultKind.RateLimited,
        "timeout" => ScriptedFaultKind.Timeout,
        "server_error" => ScriptedFaultKind.ServerError,
        "cut_stream" => ScriptedFaultKind.CutStream,
        "malformed_arguments" => ScriptedFaultKind.MalformedArguments,
        "hang" => ScriptedFaultKind.Hang,
        "unknown_usage" => ScriptedFaultKind.UnknownUsage,
        string other => throw kind.Error($"'{other}' is not a kind of fault; write overloaded, rate_limited, timeout, server_error, cut_stream, malformed_arguments, hang or unknown_usage"),
    };
}
