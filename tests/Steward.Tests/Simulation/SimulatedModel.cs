using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Simulation;

/// <summary>A model that says anything a model may say, by the world's dice. Scripted; never a real model.</summary>
internal sealed class SimulatedModel(World world)
{
    private static readonly string[] s_tools = ["look", "put", "send", "pay", "wipe", "hang", "ask_user", "wait_until", "helper", "hand_off_to_helper", "nothing"];

    public ChatResponse Answer(IReadOnlyList<ChatMessage> messages, ChatOptions options)
    {
        Fail();
        string last = messages[^1].Text;
        if (last.StartsWith("Before anything is done, make a plan", StringComparison.Ordinal) || last.Contains("make another plan", StringComparison.Ordinal) || last.EndsWith("Answer with the corrected plan alone.", StringComparison.Ordinal))
            return Says(Plan());
        if (options.ToolMode == ChatToolMode.None || world.IsCalm || world.Chance(35))
            return Says(world.Chance(5) ? "" : "Done.", output: 10 + world.Next(200));
        int calls = 1 + (world.Chance(40) ? world.Next(3) : 0);
        return CallsWithIds([.. Enumerable.Range(0, calls).Select(i => Call(i, s_tools[world.Next(s_tools.Length)]))]);
    }

    private (string Id, string Name, object Arguments) Call(int index, string tool) => (world.Chance(3) ? "same" : $"c{index}", tool, Arguments(tool));

    private object Arguments(string tool) => (world.Next(25), tool) switch
    {
        (0, _) => new { n = "wrong" },
        (_, "ask_user") => new { question = "Which?" },
        (< 12, "wait_until") => new { seconds = 1 + world.Next(100) },
        (_, "wait_until") => new { signal = "paid", seconds = 30 },
        (_, "helper") => new { task = "Do it." },
        (_, "hand_off_to_helper") => new { brief = "Do the rest." },
        _ => new { n = world.Next(40) },
    };

    private string Plan()
    {
        if (world.Chance(10))
            return "no plan";
        string reflection = $"r{world.Next(1_000_000)}";
        string destructive = world.Chance(25) ? ",\"destructive\":true" : "";
        return $$"""{"reflection":"{{reflection}}","steps":[{"id":"a","goal":"{{reflection}}","successCriterion":"x"},{"id":"b","goal":"y","successCriterion":"x"{{destructive}}},{"id":"c","goal":"z","successCriterion":"x","dependsOn":["a"]}]}""";
    }

    private void Fail()
    {
        int dice = world.Next(600);
        if (dice < 3)
            throw new ModelException(ModelFailure.Overloaded, "busy") { NotBilled = true, StatusCode = 529 };
        if (dice < 5)
            throw new ModelException(ModelFailure.StreamInterrupted, "cut");
        if (dice < 6)
            throw new ModelException(ModelFailure.Timeout, "slow");
    }
}
