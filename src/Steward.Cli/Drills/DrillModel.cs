using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Steward.Cli.Drills;

/// <summary>The drill's stand-in for a model: asks for the drill's tool
/// again and again, until the drill is over. Then it answers.</summary>
internal sealed class DrillModel(DrillAgent drill) : IChatClient
{
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        int done = messages.Sum(m => m.Contents.OfType<FunctionResultContent>().Count());
        bool isOver = drill.IsOver;
        ChatMessage answer = !isOver
            ? new(
                ChatRole.Assistant,
                [new FunctionCallContent($"call-{done + 1}", DrillAgent.Tool, new Dictionary<string, object?> { ["n"] = done + 1 })])
            : new(ChatRole.Assistant, $"Ticked {done} times.");
        return Task.FromResult(new ChatResponse(answer)
        {
            FinishReason = !isOver ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
            Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 10, TotalTokenCount = 20 },
        });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (ChatResponseUpdate update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            yield return update;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }
}
