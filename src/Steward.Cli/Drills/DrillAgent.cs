using System.Collections.Concurrent;
using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.Models;
using Steward.Tools;

namespace Steward.Cli.Drills;

/// <summary>A tick of the drill's tool, as the tool itself saw it.</summary>
internal readonly record struct Tick(RunId Run, string Key, long Epoch, DateTimeOffset At);

/// <summary>A built-in agent whose one tool does nothing but write down that it was called.</summary>
internal sealed class DrillAgent(TimeProvider time)
{
    public const string Name = "steward-drill";
    public const string Provider = "drill";
    public const string Tool = "tick";

    private static readonly TimeSpan s_work = TimeSpan.FromMilliseconds(40);
    private readonly ConcurrentQueue<Tick> _ledger = new();
    private bool _isOver;

    public IReadOnlyCollection<Tick> Ledger => _ledger;

    /// <summary>Once set, the runs answer and complete.</summary>
    public bool IsOver
    {
        get => Volatile.Read(ref _isOver);
        set => Volatile.Write(ref _isOver, value);
    }

    public static ModelInfo Price { get; } = DrillPrice.Create();

    public AgentDefinition Build() => new AgentBuilder(Name)
        .Describe("Proves the kill switch: see 'steward drill kill'.")
        .Instruct("Tick until told otherwise.")
        .UseModel(new ModelTarget(Provider, Provider) { Stream = false, MaxOutput = 256 })
        .AddTools(new ToolDefinition(
            Tool,
            "Writes down that it was called.",
            JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"""),
            TickAsync)
        {
            Effect = ToolEffect.Idempotent,
            Timeout = TimeSpan.FromSeconds(30),
        })
        .WithLimits(new AgentLimits { Iterations = 10_000 })
        .Build();

    private async ValueTask<ToolOutput> TickAsync(ToolContext context, JsonElement arguments, CancellationToken cancellationToken)
    {
        _ledger.Enqueue(new Tick(context.Run, context.IdempotencyKey, context.Epoch, time.GetUtcNow()));
        await Task.Delay(s_work, time, cancellationToken);
        return new ToolOutput($"tick {arguments.GetProperty("n").GetRawText()}");
    }
}
