using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Tools;

namespace Steward.Bench;

/// <summary>The task that every measurement does: a number of steps of one model call and one tool call, then an answer.</summary>
internal sealed class Workload
{
    public const string Provider = "canned";
    public const string ToolName = "look_up";
    public const string ApprovalToolName = "refund";
    public const string Prompt = "Look up every record, one after the other, then say that you are done.";

    private static readonly JsonElement s_schema = JsonElement.Parse(
        """
        {
          "type": "object",
          "properties": { "id": { "type": "integer", "minimum": 1, "description": "The record's number." } },
          "required": ["id"],
          "additionalProperties": false
        }
        """);

    private readonly string _result;

    /// <param name="steps">Model+tool steps before the answer.</param>
    /// <param name="resultLength">Characters that a tool call returns.</param>
    /// <param name="stream">Whether the model's answers are streamed.</param>
    /// <param name="asks">Whether the last step is a call that a person must approve, so that the run waits there.</param>
    public Workload(int steps, int resultLength, bool stream = false, bool asks = false)
    {
        Steps = steps;
        Stream = stream;
        Asks = asks;
        _result = string.Concat(Enumerable.Repeat("A record of the customer, as the database has it. ", (resultLength / 50) + 1))[..resultLength];
        ToolDefinition tool = new(ToolName, "Looks up a record.", s_schema, (_, arguments, _) => ValueTask.FromResult(new ToolOutput(LookUp(arguments.GetProperty("id")))))
        {
            Effect = ToolEffect.ReadOnly,
        };
        ToolDefinition approval = new(ApprovalToolName, "Pays a refund.", s_schema, (_, _, _) => ValueTask.FromResult(new ToolOutput("paid")))
        {
            RequiresApproval = true,
        };
        Agent = new AgentBuilder("bench")
            .Instruct("You look up records.")
            .UseModel(Target)
            .AddTools(asks ? [tool, approval] : [tool])
            .WithLimits(new AgentLimits { Iterations = 100_000 })
            .Build();
        Options = new RequestBuilder(Agent).Build(RunState.Empty(RunId.New(TimeProvider.System)), Target, Target.MaxOutput!.Value, new RunAction.CallModel(ModelRole.Executor, WrapUp: false)).Options;
    }

    public static ModelInfo Price { get; } = new(Provider, "m", 1m, 2m, 0.1m, 1.25m, 1_000_000, 4_096, "bench", "2026-11-23");

    public int Steps { get; }

    public bool Stream { get; }

    public bool Asks { get; }

    public AgentDefinition Agent { get; }

    public ModelTarget Target => new(Provider, "m") { Stream = Stream, MaxOutput = 1_000 };

    /// <summary>The options of every request: the very same for Steward and for the bare loop.</summary>
    public ChatOptions Options { get; }

    /// <summary>The body of the tool: next to nothing, so that what is measured is what surrounds it.</summary>
    public string LookUp(JsonElement id) => id.GetInt32() > 0 ? _result : "";
}

/// <summary>A model without a network: its answer follows from the number of messages. It answers at once, and is no model at all.</summary>
internal sealed class CannedModel(Workload work, TimeSpan delay = default) : IChatClient
{
    private static readonly JsonElement[] s_numbers = [.. Enumerable.Range(0, 10_001).Select(n => JsonSerializer.SerializeToElement(n))];

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (delay > TimeSpan.Zero)
            await Task.Delay(delay, cancellationToken);
        (AIContent content, ChatFinishReason finish) = Answer(messages);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, [content])) { FinishReason = finish, Usage = Usage() };
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        (AIContent content, ChatFinishReason finish) = Answer(messages);
        yield return new ChatResponseUpdate(ChatRole.Assistant, [content]);
        yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(Usage())]) { FinishReason = finish };
        await ValueTask.CompletedTask;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }

    private (AIContent Content, ChatFinishReason Finish) Answer(IEnumerable<ChatMessage> messages)
    {
        // A system prompt and a task, then two messages a step.
        int step = ((IReadOnlyCollection<ChatMessage>)messages).Count / 2;
        if (step > work.Steps + (work.Asks ? 1 : 0))
            return (new TextContent("Done."), ChatFinishReason.Stop);
        string tool = step > work.Steps ? Workload.ApprovalToolName : Workload.ToolName;
        return (new FunctionCallContent($"call_{step}", tool, new Dictionary<string, object?>(1) { ["id"] = s_numbers[step] }), ChatFinishReason.ToolCalls);
    }

    private static UsageDetails Usage() => new() { InputTokenCount = 100, OutputTokenCount = 10, TotalTokenCount = 110 };
}

/// <summary>What a developer writes by hand: call the model, call its tools, until it answers.</summary>
internal static class BareLoop
{
    /// <param name="client">The model.</param>
    /// <param name="work">What to do.</param>
    /// <param name="commit">Makes the facts of half a step durable, if wanted: before the model is called, and before a tool is.</param>
    public static async Task<string> RunAsync(IChatClient client, Workload work, Action? commit = null)
    {
        List<ChatMessage> messages = [new(ChatRole.System, work.Agent.Instructions), new(ChatRole.User, Workload.Prompt)];
        while (true)
        {
            commit?.Invoke();
            ChatResponse response = work.Stream ? await StreamAsync(client, messages, work.Options) : await client.GetResponseAsync(messages, work.Options);
            messages.AddRange(response.Messages);
            List<AIContent> results = [];
            foreach (AIContent content in response.Messages[^1].Contents)
            {
                if (content is not FunctionCallContent call)
                    continue;
                commit?.Invoke();
                results.Add(new FunctionResultContent(call.CallId, work.LookUp((JsonElement)call.Arguments!["id"]!)));
            }

            if (results.Count == 0)
            {
                commit?.Invoke();
                return response.Text;
            }

            messages.Add(new ChatMessage(ChatRole.Tool, results));
        }
    }

    private static async Task<ChatResponse> StreamAsync(IChatClient client, List<ChatMessage> messages, ChatOptions options)
    {
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options))
            updates.Add(update);
        return updates.ToChatResponse();
    }
}
