using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;

namespace Steward.Testing.Scripting;

/// <summary>A model that follows a script: deterministic, without an account, and always naming itself as scripted.</summary>
/// <remarks>
/// Which line is due follows from the messages of the request alone. One client therefore serves any number of conversations at
/// once, and a restarted process goes on at the same line. Only the counters of <see cref="ScriptedFault.Times"/>
/// live in the client. What the script has no line for is refused with a <see cref="ModelException"/>: it never makes an answer up.
/// </remarks>
public sealed class ScriptedChatClient : IChatClient
{
    private const int CharactersPerToken = 4;
    private const int ChunkSize = 24;

    private readonly Func<IReadOnlyList<ChatMessage>, ChatOptions?, int, Reply> _reply;
    private readonly ChatClientMetadata _metadata;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, int> _faults = [];
    private int _calls;

    private ScriptedChatClient(
        string name,
        TimeProvider? time,
        Func<ScriptedChatClient, IReadOnlyList<ChatMessage>, ChatOptions?, int, Reply> reply)
    {
        Name = name;
        _time = time ?? TimeProvider.System;
        _metadata = new ChatClientMetadata("scripted", providerUri: null, ModelId);
        _reply = (messages, options, call) => reply(this, messages, options, call);
    }

    /// <summary>The script's name.</summary>
    public string Name { get; }

    /// <summary>How it names itself: <c>scripted:NAME</c>.</summary>
    public string ModelId => $"scripted:{Name}";

    /// <summary>US dollars per million input tokens, for the catalogue.</summary>
    /// <value>0.</value>
    public decimal InputPerMillion { get; init; }

    /// <summary>US dollars per million output tokens, for the catalogue.</summary>
    /// <value>0.</value>
    public decimal OutputPerMillion { get; init; }

    /// <summary>Requests so far, failed ones included.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Follows a list of turns.</summary>
    public static ScriptedChatClient Of(params ScriptedTurn[] turns) => Of("test", turns);

    /// <summary>Follows a list of turns, under a name, a clock and prices in US dollars per million tokens.</summary>
    public static ScriptedChatClient Of(
        string name, IReadOnlyList<ScriptedTurn> turns, TimeProvider? time = null, decimal inputPerMillion = 0,
            decimal outputPerMillion = 0)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(turns);
        var script = new Script(name, [.. turns]);
        return new ScriptedChatClient(name, time, (client, messages, options, _) => client.Follow(script, messages, options))
        {
            InputPerMillion = inputPerMillion,
            OutputPerMillion = outputPerMillion,
        };
    }

    /// <summary>Asks a function for each turn; it is given the messages, the
    /// options, and the number of the request (from 1, in this process).</summary>
    public static ScriptedChatClient From(
        Func<IReadOnlyList<ChatMessage>, ChatOptions?, int, ScriptedTurn> reply,
        string name = "function",
        TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return new ScriptedChatClient(name, time, (client, messages, options, call) =>
        {
            ScriptedTurn turn = reply(messages, options, call);
            var situation = Situation.At(messages, messages.Count, options);
            var choice = new Script.Choice(-call, turn, situation, new Dictionary<string, JsonNode?>(StringComparer.Ordinal));
            return client.Render(new Script(name, []), choice, messages, options);
        });
    }

    /// <summary>Asks a function for each response; its model id becomes the scripted one.</summary>
    public static ScriptedChatClient From(
        Func<IReadOnlyList<ChatMessage>, ChatOptions?, int, ChatResponse> reply,
        string name = "function",
        TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return new ScriptedChatClient(name, time, (client, messages, options, call) =>
        {
            ChatResponse response = reply(messages, options, call);
            response.ModelId = client.ModelId;
            return new Reply(response, TimeSpan.Zero, Fault: null);
        });
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Reply reply = await BeginAsync(messages, options, cancellationToken);
        return reply.Fault is { Kind: ScriptedFaultKind.CutStream } ? throw Error(reply.Fault) : reply.Response;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Reply reply = await BeginAsync(messages, options, cancellationToken);
        List<ChatResponseUpdate> updates = Updates(reply.Response);
        bool cut = reply.Fault is { Kind: ScriptedFaultKind.CutStream };
        int count = cut ? updates.Count / 2 : updates.Count;
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return updates[i];
        }

        if (cut)
            throw Error(reply.Fault!);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Does nothing: there is nothing to close.</summary>
    public void Dispose()
    {
    }

    private async Task<Reply> BeginAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(messages);
        cancellationToken.ThrowIfCancellationRequested();
        Reply reply = _reply([.. messages], options, Interlocked.Increment(ref _calls));
        if (reply.Delay > TimeSpan.Zero)
            await Task.Delay(reply.Delay, _time, cancellationToken);
        if (reply.Fault is { Kind: ScriptedFaultKind.Hang })
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken);
        if (reply.Fault is { SpoilsAnswer: false, Kind: not ScriptedFaultKind.CutStream } fault)
            throw Error(fault);
        return reply;
    }

    private Reply Follow(Script script, IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        if (script.Choose(messages, options) is { } choice)
            return Render(script, choice, messages, options);
        var situation = Situation.At(messages, messages.Count, options);
        throw new ModelException(
            ModelFailure.InvalidRequest,
            $"The script '{Name}' has no line for {situation.Describe()}; add one, or a turn with 'when: {{ default: true }}'.") { NotBilled = true };
    }

    private Reply Render(Script script, Script.Choice choice, IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        ScriptedTurn turn = choice.Turn;
        ScriptedFault? fault = turn.Fault is { } given && Strikes(choice.Index, turn, given) ? given : null;
        if (fault is { SpoilsAnswer: false, Kind: not ScriptedFaultKind.CutStream })
            return new Reply(new ChatResponse(), turn.Delay, fault);
        var template = new Template(choice.Values, choice.Situation, why => script.Failure(why));
        var contents = new List<AIContent>();
        if (turn.Reasoning is { } reasoning)
            contents.Add(new TextReasoningContent(template.Text(reasoning)));
        if (turn.Say is { } say)
            contents.Add(new TextContent(template.Text(say)));
        for (int i = 0; i < turn.ToolCalls.Count; i++)
            contents.Add(Call(turn.ToolCalls[i], template, $"call_{choice.Situation.Turn}_{i}", fault));
        bool cut = turn.Usage is null && turn.ToolCalls.Count == 0 && Shorten(contents, options?.MaxOutputTokens);
        var response = new ChatResponse(new ChatMessage(ChatRole.Assistant, contents))
        {
            ModelId = ModelId,
            ResponseId = $"scripted-{choice.Situation.Turn}",
            CreatedAt = _time.GetUtcNow(),
            FinishReason = turn.Finish
                ?? (cut ? ChatFinishReason.Length : turn.ToolCalls.Count > 0 ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop),
            Usage = fault is { Kind: ScriptedFaultKind.UnknownUsage } ? null : Usage(turn.Usage ?? Estimate(messages, options, contents)),
        };
        return new Reply(response, turn.Delay, fault);
    }

    private bool Strikes(int index, ScriptedTurn turn, ScriptedFault fault)
    {
        int most = fault.Times ?? (fault.SpoilsAnswer || !turn.HasReply ? int.MaxValue : 1);
        if (most == int.MaxValue)
            return true;
        lock (_lock)
        {
            int struck = _faults.GetValueOrDefault(index);
            if (struck >= most)
                return false;
            _faults[index] = struck + 1;
            return true;
        }
    }

    private static FunctionCallContent Call(ScriptedCall call, Template template, string id, ScriptedFault? fault)
    {
        string json = template.Node(call.Arguments)!.ToJsonString();
        var content = new FunctionCallContent(
            call.Id is { } own ? template.Text(own) : id, call.Tool, new Dictionary<string, object?>(StringComparer.Ordinal));
        if (fault is { Kind: ScriptedFaultKind.MalformedArguments })
        {
            content.Exception = new JsonException("The arguments are not JSON: the text ends too early.");
            content.AdditionalProperties = new() { ["raw_arguments"] = json[..^1] };
            return content;
        }

        using JsonDocument arguments = JsonDocument.Parse(json);
        foreach (JsonProperty property in arguments.RootElement.EnumerateObject())
            content.Arguments![property.Name] = property.Value.Clone();
        return content;
    }

    /// <summary>Cuts the text where a real model would have been cut off; true when it was.</summary>
    private static bool Shorten(List<AIContent> contents, int? maxTokens)
    {
        if (maxTokens is not { } most || contents is not [.., TextContent text] || text.Text.Length <= (long)most * CharactersPerToken)
            return false;
        text.Text = text.Text[..(most * CharactersPerToken)];
        return true;
    }

    private static UsageDetails Usage(ScriptedUsage usage)
    {
        var details = new UsageDetails
        {
            InputTokenCount = usage.Input,
            OutputTokenCount = usage.Output,
            TotalTokenCount = usage.Input + usage.Output,
        };
        if (usage.CacheRead > 0)
            details.CachedInputTokenCount = usage.CacheRead;
        if (usage.CacheWrite > 0)
            details.AdditionalCounts = new() { ["cache_write_tokens"] = usage.CacheWrite };
        return details;
    }

    private static ScriptedUsage Estimate(IReadOnlyList<ChatMessage> messages, ChatOptions? options, List<AIContent> answer)
    {
        long input = options?.Instructions?.Length ?? 0;
        foreach (AITool tool in options?.Tools ?? [])
            input += tool.Name.Length
                + tool.Description.Length
                + (tool is AIFunctionDeclaration function ? function.JsonSchema.GetRawText().Length : 0);
        foreach (ChatMessage message in messages)
            input += Characters(message.Contents);
        return new ScriptedUsage(Tokens(input), Tokens(Characters(answer)));

        static long Tokens(long characters) => Math.Max(1, (characters + CharactersPerToken - 1) / CharactersPerToken);
    }

    private static long Characters(IEnumerable<AIContent> contents)
    {
        long sum = 0;
        foreach (AIContent content in contents)
        {
            sum += content switch
            {
                TextContent text => text.Text.Length,
                TextReasoningContent reasoning => reasoning.Text.Length,
                FunctionCallContent call =>
                    call.Name.Length + (call.Arguments?.Sum(a => a.Key.Length + (a.Value?.ToString()?.Length ?? 4)) ?? 0),
                FunctionResultContent result => result.Result?.ToString()?.Length ?? 0,
                _ => 0,
            };
        }

        return sum;
    }

    private static List<ChatResponseUpdate> Updates(ChatResponse response)
    {
        List<ChatResponseUpdate> updates = [];
        foreach (AIContent content in response.Messages.SelectMany(m => m.Contents))
        {
            if (content is TextContent text)
            {
                for (int at = 0; at < text.Text.Length; at += ChunkSize)
                    Add(new TextContent(text.Text.Substring(at, Math.Min(ChunkSize, text.Text.Length - at))));
            }
            else
            {
                Add(content);
            }
        }

        if (response.Usage is { } usage)
            Add(new UsageContent(usage));
        if (updates.Count == 0)
            updates.Add(Update([]));
        updates[^1].FinishReason = response.FinishReason;
        return updates;

        void Add(AIContent content) => updates.Add(Update([content]));

        ChatResponseUpdate Update(IList<AIContent> contents) => new(ChatRole.Assistant, contents)
        {
            ModelId = response.ModelId,
            ResponseId = response.ResponseId,
            MessageId = response.ResponseId,
            CreatedAt = response.CreatedAt,
        };
    }

    private ModelException Error(ScriptedFault fault) => fault.Kind switch
    {
        ScriptedFaultKind.Overloaded =>
            new ModelException(ModelFailure.Overloaded, Message("the provider is overloaded"))
            {
                StatusCode = 529,
                RetryAfter = fault.RetryAfter,
                NotBilled = true,
            },
        ScriptedFaultKind.RateLimited =>
            new ModelException(ModelFailure.RateLimited, Message("too many requests"))
            {
                StatusCode = 429,
                RetryAfter = fault.RetryAfter,
                NotBilled = true,
            },
        ScriptedFaultKind.Timeout => new ModelException(ModelFailure.Timeout, Message("no answer came in time")),
        ScriptedFaultKind.ServerError =>
            new ModelException(
                ModelFailure.Unavailable,
                Message("the provider failed")) { StatusCode = 500, RetryAfter = fault.RetryAfter },
        ScriptedFaultKind.CutStream => new ModelException(ModelFailure.StreamInterrupted, Message("the stream broke off")),
        _ => throw new InvalidOperationException($"'{fault.Kind}' is not an error."),
    };

    private string Message(string what) => $"Scripted fault of '{Name}': {what}.";

    private sealed record Reply(ChatResponse Response, TimeSpan Delay, ScriptedFault? Fault);
}
