using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Retail.Data;
using Steward.Testing.Scripting;

namespace Steward.Retail.Replay;

/// <summary>What the fallible model does wrong.</summary>
internal enum Mistake
{
    /// <summary>It calls a tool that is not there.</summary>
    UnknownTool,

    /// <summary>It gives an argument of a wrong type.</summary>
    WrongType,

    /// <summary>It leaves a required argument out.</summary>
    MissingArgument,

    /// <summary>It makes two calls of one message under the same id.</summary>
    DuplicateId,

    /// <summary>It makes the call before this one again.</summary>
    RepeatedCall,

    /// <summary>It says that all is done when it is not.</summary>
    PrematureDone,

    /// <summary>It says that it cannot help.</summary>
    Refusal,
}

/// <summary>A scripted model that makes the recorded calls with mistakes in between, and the right call after each mistake. No real model.</summary>
/// <remarks>What it does at a turn follows from seed, task and turn alone, so a share of mistakes and a seed always give the same conversation.</remarks>
internal sealed class FallibleModel(GoldenTask task, double share, int seed)
{
    private static readonly Mistake[] s_all = Enum.GetValues<Mistake>();
    private readonly List<Move> _moves = [];

    /// <summary>The mistakes made so far, by turn.</summary>
    public List<Mistake> Mistakes { get; } = [];

    /// <summary>Makes the client.</summary>
    public ScriptedChatClient Client() => ScriptedChatClient.From((messages, _, _) => Answer(messages.Count(m => m.Role == ChatRole.Assistant)), "fallible");

    private ScriptedTurn Answer(int turn)
    {
        while (_moves.Count <= turn)
            _moves.Add(Plan(_moves.Count));
        Move move = _moves[turn];
        if (move.Mistake is not { } mistake)
            return move.Next < task.Calls.Count ? GoldenModel.Call(task.Calls[move.Next]) : ScriptedTurn.Says(GoldenModel.Done);
        Mistakes.Add(mistake);
        return Wrong(mistake, move.Next, RandomOf(turn, "how"));
    }

    /// <summary>What is due at a turn: the next call, and the mistake that is made instead, if one is.</summary>
    private Move Plan(int turn)
    {
        Move? before = turn > 0 ? _moves[turn - 1] : null;
        int next = before is null ? 0 : before.Next + (before.Mistake is null or Mistake.DuplicateId ? 1 : 0);
        Random random = RandomOf(turn, "whether");
        // No mistake follows a mistake, so those that may be one must be more often: share = chance / (1 + chance).
        bool wrong = before?.Mistake is null && random.NextDouble() < share / (1 - share);
        Mistake[] possible = [.. s_all.Where(m => IsPossible(m, next))];
        return new Move(next, wrong && possible.Length > 0 ? possible[random.Next(possible.Length)] : null);
    }

    private bool IsPossible(Mistake mistake, int next) => mistake switch
    {
        Mistake.UnknownTool => true,
        Mistake.RepeatedCall => next > 0,
        Mistake.WrongType or Mistake.MissingArgument => next < task.Calls.Count && task.Calls[next].Arguments.Count > 0,
        _ => next < task.Calls.Count,
    };

    private ScriptedTurn Wrong(Mistake mistake, int next, Random random)
    {
        GoldenCall? due = next < task.Calls.Count ? task.Calls[next] : null;
        return mistake switch
        {
            Mistake.UnknownTool => GoldenModel.Call(new GoldenCall(due is null ? "send_confirmation" : $"{due.Tool}_now", due?.Arguments ?? [], null)),
            Mistake.WrongType => GoldenModel.Call(due! with { Arguments = Changed(due.Arguments, random, static (map, name) => map[name] = map[name] is JsonArray ? "all" : 12345) }),
            Mistake.MissingArgument => GoldenModel.Call(due! with { Arguments = Changed(due.Arguments, random, static (map, name) => map.Remove(name)) }),
            Mistake.DuplicateId => new ScriptedTurn { ToolCalls = [Call(due!), Call(task.Calls[Math.Min(next + 1, task.Calls.Count - 1)])] },
            Mistake.RepeatedCall => GoldenModel.Call(task.Calls[next - 1]),
            Mistake.PrematureDone => ScriptedTurn.Says(GoldenModel.Done),
            _ => ScriptedTurn.Says("I am sorry, but I cannot help with that."),
        };
    }

    private static ScriptedCall Call(GoldenCall call) => new(call.Tool, call.Arguments) { Id = "call_1" };

    private static JsonObject Changed(JsonObject arguments, Random random, Action<JsonObject, string> change)
    {
        JsonObject changed = arguments.DeepClone().AsObject();
        change(changed, arguments.ElementAt(random.Next(arguments.Count)).Key);
        return changed;
    }

    /// <summary>Numbers that follow from seed, task and turn. Hashed first: seeds that are neighbours give neighbouring numbers.</summary>
    private Random RandomOf(int turn, string what) =>
        new(BinaryPrimitives.ReadInt32LittleEndian(SHA256.HashData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{seed} {task.Id} {turn} {what}")))));

    private sealed record Move(int Next, Mistake? Mistake);
}
