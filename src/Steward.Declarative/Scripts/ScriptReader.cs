using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using Steward.Declarative.Yaml;
using Steward.Testing.Scripting;
using Steward.Tools.Declarative;

namespace Steward.Declarative.Scripts;

/// <summary>Reads a scripted model.</summary>
internal static class ScriptReader
{
    private static readonly TimeSpan s_matchTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    private static readonly string[] s_script = ["name", "prices", "turns"];
    private static readonly string[] s_prices = ["input", "output"];
    private static readonly string[] s_turn =
    [
        "when",
        "repeat",
        "say",
        "call",
        "reasoning",
        "capture",
        "finish",
        "delay",
        "usage",
        "fault",
    ];
    private static readonly string[] s_when = ["user", "tool_result", "instructions", "turn", "default"];
    private static readonly string[] s_user = ["contains", "match"];
    private static readonly string[] s_toolResult = ["name", "contains", "match"];
    private static readonly string[] s_call = ["tool", "arguments", "id"];
    private static readonly string[] s_usage = ["input", "output", "cache_read", "cache_write"];
    private static readonly string[] s_fault = ["kind", "retry_after", "times"];

    private static readonly Dictionary<string, ChatFinishReason> s_finish = new(StringComparer.Ordinal)
    {
        ["stop"] = ChatFinishReason.Stop,
        ["length"] = ChatFinishReason.Length,
        ["tool_calls"] = ChatFinishReason.ToolCalls,
        ["content_filter"] = ChatFinishReason.ContentFilter,
    };

    private static readonly Dictionary<string, ScriptedFaultKind> s_faultKinds = new(StringComparer.Ordinal)
    {
        ["overloaded"] = ScriptedFaultKind.Overloaded,
        ["rate_limited"] = ScriptedFaultKind.RateLimited,
        ["timeout"] = ScriptedFaultKind.Timeout,
        ["server_error"] = ScriptedFaultKind.ServerError,
        ["cut_stream"] = ScriptedFaultKind.CutStream,
        ["malformed_arguments"] = ScriptedFaultKind.MalformedArguments,
        ["hang"] = ScriptedFaultKind.Hang,
        ["unknown_usage"] = ScriptedFaultKind.UnknownUsage,
    };

    public static ScriptedChatClient Read(YamlValue script, TimeProvider? time)
    {
        YamlMap root = script.Map("a script", s_script);
        YamlMap? prices = root.Find("prices")?.Map("'prices'", s_prices);
        YamlValue turns = root.Need("turns", "Write a list of what the model says, one after the other.");
        return ScriptedChatClient.Of(
            root.Find("name")?.Label() ?? Path.GetFileNameWithoutExtension(script.File.Path),
            [.. turns.List("'turns'").Select(Turn)],
            time,
            prices?.Find("input")?.Usd() ?? 0,
            prices?.Find("output")?.Usd() ?? 0);
    }

    private static ScriptedTurn Turn(YamlValue value)
    {
        YamlMap turn = value.Map("a turn", s_turn);
        var read = new ScriptedTurn
        {
            When = turn.Find("when") is { } when ? When(when.Map("'when'", s_when)) : ScriptedWhen.Anything,
            Repeat = turn.Find("repeat") is { } repeat ? Repeat(repeat) : null,
            Say = turn.Find("say")?.Words(),
            Reasoning = turn.Find("reasoning")?.Words(),
            ToolCalls = turn.Find("call") is { } call ? [.. (call.IsList ? call.List("'call'") : [call]).Select(Call)] : [],
            Captures = turn.Find("capture") is { } capture ? Captures(capture) : new Dictionary<string, string>(StringComparer.Ordinal),
            Finish = turn.Find("finish")?.OneOf("a reason to finish", s_finish),
            Delay = turn.Find("delay")?.Duration(TimeSpan.Zero, s_day) ?? TimeSpan.Zero,
            Usage = turn.Find("usage") is { } usage ? Usage(usage.Map("'usage'", s_usage)) : null,
            Fault = turn.Find("fault") is { } fault ? Fault(fault) : null,
        };
        return read.HasReply || read.Fault is { SpoilsAnswer: false }
            ? read
            : throw value.Error("This turn answers nothing. Give it 'say', 'call', 'reasoning' or a 'fault'.");
    }

    private static ScriptedWhen When(YamlMap when)
    {
        YamlValue? user = when.Find("user");
        YamlValue? result = when.Find("tool_result");
        YamlMap? userParts = user is { IsMap: true } ? user.Value.Map("'user'", s_user) : null;
        YamlMap? resultParts = result is { IsMap: true } ? result.Value.Map("'tool_result'", s_toolResult) : null;
        return new ScriptedWhen
        {
            User = userParts is null ? user?.Words() : userParts.Find("contains")?.Words(),
            UserMatch = userParts?.Find("match") is { } userMatch ? Pattern(userMatch) : null,
            ToolResult = resultParts is null ? result?.Words() : resultParts.Find("name")?.Words() ?? "*",
            ResultContains = resultParts?.Find("contains")?.Words(),
            ResultMatch = resultParts?.Find("match") is { } resultMatch ? Pattern(resultMatch) : null,
            Instructions = when.Find("instructions")?.Words(),
            Turn = when.Whole("turn", 1),
            Default = when.Flag("default"),
        };
    }

    private static Regex Pattern(YamlValue pattern)
    {
        try
        {
            return new Regex(pattern.Words(), RegexOptions.CultureInvariant, s_matchTimeout);
        }
        catch (ArgumentException e)
        {
            throw pattern.Error(
                $"{pattern.Shown} is not a regular expression ({e.Message.TrimEnd('.')}). In YAML it stands best in single quotes.");
        }
    }

    private static int Repeat(YamlValue repeat)
    {
        if (repeat.IsFlag ? repeat.Flag() : repeat.IsText && repeat.Text() == "always")
            return int.MaxValue;
        return repeat.IsText
            ? throw repeat.Error($"{repeat.Shown} is not how often a turn is used. Write a whole number from 1, or 'always'.")
            : repeat.Whole(1);
    }

    private static ScriptedCall Call(YamlValue value)
    {
        YamlMap call = value.Map("a call", s_call);
        string tool = call.Need("tool", "Name the tool.").NonEmpty("the tool's name");
        JsonObject arguments = call.Find("arguments") is { } given ? JsonObject.Create(given.Map("'arguments'").Self.Json())! : [];
        return new ScriptedCall(tool, arguments) { Id = call.Find("id")?.Words() };
    }

    private static Dictionary<string, string> Captures(YamlValue captures)
    {
        Dictionary<string, string> read = new(StringComparer.Ordinal);
        foreach ((YamlValue name, YamlValue path) in captures.Map("'capture'").Entries)
        {
            try
            {
                JsonPath.Parse(path.Text());
            }
            catch (FormatException e)
            {
                throw path.Error(e.Message);
            }

            read[name.Label()] = path.Text();
        }

        return read;
    }

    private static ScriptedUsage Usage(YamlMap usage)
    {
        return new ScriptedUsage(Count("input"), Count("output"), Count("cache_read"), Count("cache_write"));

        int Count(string key) => usage.Whole(key, 0) ?? 0;
    }

    private static ScriptedFault Fault(YamlValue value)
    {
        if (!value.IsMap)
            return new ScriptedFault(Kind(value));
        YamlMap fault = value.Map("'fault'", s_fault);
        return new ScriptedFault(Kind(fault.Need("kind", "Write one, for example overloaded.")))
        {
            RetryAfter = fault.Find("retry_after")?.Duration(TimeSpan.Zero, s_day),
            Times = fault.Whole("times", 1),
        };
    }

    private static ScriptedFaultKind Kind(YamlValue kind) => kind.OneOf("a kind of fault", s_faultKinds);
}
