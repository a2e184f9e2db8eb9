using Microsoft.Extensions.AI;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Support;

/// <summary>A planner and its steps in one function. Scripted; never a real model.</summary>
/// <remarks>Its plans, in order: one with a circle, one that destroys, one whose step 'b' fails, one that leads to the goal.</remarks>
internal sealed class PlanningModel : IChatClient
{
    private static readonly string[] s_plans =
    [
        """{"steps":[{"id":"a","goal":"look","successCriterion":"seen","dependsOn":["b"]},{"id":"b","goal":"look","successCriterion":"seen","dependsOn":["a"]}]}""",
        """{"steps":[{"id":"a","goal":"drop it","successCriterion":"gone","tools":["drop"]}]}""",
        """{"reflection":"Nothing may be dropped.","steps":[{"id":"a","goal":"look","successCriterion":"seen"},{"id":"b","goal":"fail","successCriterion":"never","dependsOn":["a"]},{"id":"c","goal":"look","successCriterion":"seen"}]}""",
        """{"reflection":"Step b cannot be done.","steps":[{"id":"d","goal":"look","successCriterion":"seen","estimatedCost":5}]}""",
    ];

    private readonly FunctionModel _model = new((messages, options) => Answer(messages, options));

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        _model.GetResponseAsync(messages, options, cancellationToken);

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        _model.GetStreamingResponseAsync(messages, options, cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }

    private static ChatResponse Answer(IReadOnlyList<ChatMessage> messages, ChatOptions options)
    {
        string first = messages.First(m => m.Role == ChatRole.User).Text;
        string last = messages[^1].Text;
        if (first.StartsWith("You carry out one step", StringComparison.Ordinal))
            return Step(first, messages);
        if (last.StartsWith("All steps of the plan are done", StringComparison.Ordinal))
            return Says("All done.");
        return Says(s_plans[Math.Min(s_plans.Length - 1, messages.Count(m => m.Role == ChatRole.Assistant))]);
    }

    /// <summary>Looks once, then answers; a step that is to fail answers with nothing until its run gives up.</summary>
    private static ChatResponse Step(string task, IReadOnlyList<ChatMessage> messages)
    {
        if (task.Contains("): fail", StringComparison.Ordinal))
            return Says("");
        return messages.Any(m => m.Role == ChatRole.Tool) ? Says("I saw seven.") : Calls_(("look", new { }));
    }
}
