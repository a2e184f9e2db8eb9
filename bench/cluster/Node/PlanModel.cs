using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Models;

namespace Steward.ClusterBench.Node;

/// <summary>Scripted, no real model: it carries out the plan in the first message, one turn a word, and knows how far it is from the conversation alone.</summary>
/// <remarks>
/// A plan is words such as <c>look pay+put sleep:500 wait:go child:pay,look</c>: calls of tools, several at once with <c>+</c>, a wait for a time (milliseconds) or for a
/// signal by name, a child run with a plan of its own.
/// </remarks>
internal sealed class PlanModel(TimeSpan delay) : IChatClient
{
    public const string Provider = "scripted";
    private const string Model = "planner";

    /// <summary>A call costs $0.00012, exactly.</summary>
    public static ModelInfo Price { get; } = new(Provider, Model, 1m, 2m, 1m, 1m, 1_000_000, 1_000, "bench", "2026-11-27");

    public static ModelTarget Target { get; } = new(Provider, Model) { Stream = false, MaxOutput = 50 };

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        await Task.Delay(delay, cancellationToken);
        ChatMessage[] all = [.. messages];
        string[] plan = all.First(m => m.Role == ChatRole.User).Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int turn = all.Count(m => m.Role == ChatRole.Assistant);
        bool over = turn >= plan.Length || options?.Tools is not { Count: > 0 } || options.ToolMode is NoneChatToolMode;
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, over ? [new TextContent("Done.")] : [.. plan[turn].Split('+').Select((word, i) => (AIContent)Call(word, turn, i))]))
        {
            FinishReason = over ? ChatFinishReason.Stop : ChatFinishReason.ToolCalls,
            Usage = new UsageDetails { InputTokenCount = 100, OutputTokenCount = 10 },
        };
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("The scripted model of the cluster bench does not stream.");

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }

    private static FunctionCallContent Call(string word, int turn, int index)
    {
        string[] parts = word.Split(':', 2);
        (string tool, Dictionary<string, object?> arguments) = parts switch
        {
            ["sleep", var ms] => ("wait_until", new Dictionary<string, object?> { ["seconds"] = double.Parse(ms) / 1_000 }),
            ["wait", var signal] => ("wait_until", new() { ["signal"] = signal }),
            ["child", var plan] => (ClusterAgents.Helper, new() { ["task"] = plan.Replace(',', ' ') }),
            _ => (word, new() { ["n"] = (100 * turn) + index }),
        };
        return new FunctionCallContent($"call-{turn}-{index}", tool, arguments);
    }
}
