using Steward.Declarative;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.Testing.Scripting;
using Steward.Tools;

namespace Steward.AspNetCore.Tests;

/// <summary>Agents whose models are scripted: one answers at once, one pays when <c>finance</c> approves, one looks until a gate is opened, one speaks when told to.</summary>
internal sealed class TestAgents
{
    public const string Provider = "scripted";

    public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets the speaker say its next piece, one for each release.</summary>
    public SemaphoreSlim Voice { get; } = new(0);

    /// <summary>The arguments of each payment that was made.</summary>
    public List<string> Paid { get; } = [];

    public AgentDefinition[] All =>
    [
        Agent("helper").Build(),
        Agent("payer").AddTools(Pay()).AddApprovals(new ApprovalPolicy { Name = "payments", Tools = ["pay"], Roles = ["finance"] }).Build(),
        Agent("guarded").AddTools(Pay()).AddApprovals(new ApprovalPolicy { Name = "eyes", Tools = ["pay"], FourEyes = true }).Build(),
        Agent("pair").AddTools(Pay()).AddApprovals(new ApprovalPolicy { Name = "pairs", Tools = ["pay"], Approvers = 2 }).Build(),
        Agent("looker").AddTools(Look()).Build(),
        Agent("asker").AddTools(BuiltInTools.AskUser).Build(),
        Agent("speaker").Build(),
    ];

    public IChatClient Model(string name) => name == "speaker" ? new Speaker(Voice) : ScriptFile.Parse(
        name switch
        {
            "payer" or "pair" or "guarded" => "turns: [{ when: { turn: 1 }, call: { tool: pay, arguments: { amount: 500 } } }, { say: Paid. }]",
            "looker" => "turns: [{ when: { turn: 1 }, call: { tool: look, arguments: {} } }, { say: Seen. }]",
            "asker" => "turns: [{ when: { turn: 1 }, call: { tool: ask_user, arguments: { question: Which colour? } } }, { say: Thank you. }]",
            _ => "turns: [{ say: Good morning. }]",
        },
        $"{name}.yaml");

    /// <summary>Streams its answer in three pieces, each when it is let go. Scripted; never a real model.</summary>
    private sealed class Speaker(SemaphoreSlim voice) : IChatClient
    {
        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (string piece in (string[])["Eins\n", "zwei \"drei\" ", "fünf"])
            {
                await voice.WaitAsync(cancellationToken);
                yield return new ChatResponseUpdate(ChatRole.Assistant, piece);
            }

            yield return new ChatResponseUpdate
            {
                FinishReason = ChatFinishReason.Stop,
                Contents = [new UsageContent(new UsageDetails { InputTokenCount = 100, OutputTokenCount = 10 })],
            };
        }

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException("It only streams.");

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    private static AgentBuilder Agent(string name) => new AgentBuilder(name).Instruct("Help.").UseModel(new ModelTarget(Provider, name) { MaxOutput = 100 });

    private ToolDefinition Pay() => new("pay", "Pays.", JsonElement.Parse("""{"type":"object","required":["amount"],"properties":{"amount":{"type":"integer","minimum":1}},"additionalProperties":false}"""), (_, arguments, _) =>
    {
        lock (Paid)
            Paid.Add(arguments.GetRawText());
        return ValueTask.FromResult(new ToolOutput("paid"));
    });

    private ToolDefinition Look() => new("look", "Looks.", JsonElement.Parse("""{"type":"object"}"""), async (_, _, cancellationToken) =>
    {
        await Gate.Task.WaitAsync(cancellationToken);
        return new ToolOutput("seen");
    })
    { Effect = ToolEffect.ReadOnly };
}
