using System.Text;
using System.Text.Json;
using Anthropic.Core;
using Anthropic.Exceptions;
using Anthropic.Models.Messages;
using Microsoft.Extensions.AI;
using Steward.Models;

namespace Steward.Providers;

/// <summary>A model over the Messages wire.</summary>
internal sealed class AnthropicModel(IChatClient inner, Wire wire, IDisposable? owned) : ProviderChatClient(inner, wire, owned)
{
    protected override ProviderStream NewStream() => new AnthropicStream();

    protected override ErrorAnswer? VendorError(Exception exception)
    {
        if (exception is not AnthropicSseException)
            return null;

        // The SDK keeps the event only inside a sentence: "SSE error returned from server: '{...}'".
        var (start, end) = (exception.Message.IndexOf('{', StringComparison.Ordinal), exception.Message.LastIndexOf('}'));
        return ErrorAnswer.Parse(null, start >= 0 && end > start ? exception.Message[start..(end + 1)] : exception.Message);
    }

    protected override void Complete(ChatResponse response)
    {
        if (response.RawRepresentation is Message { Usage: { } usage })
            response.Usage = new TokenCounts().Merge(usage).ToDetails();

        foreach (var call in response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>())
            ToolCalls.Complete(call, RawInput(call));
    }

    private static string? RawInput(FunctionCallContent call) =>
        call.RawRepresentation is ToolUseBlock block && block.RawData.TryGetValue("input", out var input) ? input.GetRawText() : null;

    private sealed class AnthropicStream : ProviderStream
    {
        private readonly Dictionary<long, (string Id, StringBuilder Arguments)> _calls = [];
        private readonly TokenCounts _counts = new();

        protected override void Read(ChatResponseUpdate update)
        {
            switch ((update.RawRepresentation as RawMessageStreamEvent)?.Value)
            {
                case RawMessageStartEvent { Message.Usage: { } usage }:
                    Usage = _counts.Merge(usage).ToDetails();
                    break;

                case RawMessageDeltaEvent { Usage: { } usage }:
                    Usage = _counts.Merge(usage).ToDetails();
                    break;

                case RawContentBlockStartEvent { ContentBlock.Value: ToolUseBlock block } start:
                    _calls[start.Index] = (block.ID, new StringBuilder());
                    break;

                case RawContentBlockDeltaEvent { Delta.Value: InputJsonDelta part } delta when _calls.TryGetValue(delta.Index, out var call):
                    call.Arguments.Append(part.PartialJson);
                    break;
            }

            foreach (var content in update.Contents)
            {
                if (content is UsageContent reported && Usage is not null)
                    reported.Details = Usage;
                else if (content is FunctionCallContent call)
                    ToolCalls.Complete(call, _calls.Values.FirstOrDefault(known => known.Id == call.CallId).Arguments?.ToString());
            }
        }
    }

    // Counted here, from the events, because the adapter lets the last event replace the first: a message_delta that carries only
    // output_tokens, as the documentation shows it, would lose the input. The counts are cumulative, so the larger is the later.
    private sealed class TokenCounts
    {
        private long? _input;
        private long? _cacheRead;
        private long? _cacheWrite;
        private long? _output;

        public TokenCounts Merge(JsonModel usage)
        {
            _input = Larger(_input, Count(usage, "input_tokens"));
            _cacheRead = Larger(_cacheRead, Count(usage, "cache_read_input_tokens"));
            _cacheWrite = Larger(_cacheWrite, Count(usage, "cache_creation_input_tokens"));
            _output = Larger(_output, Count(usage, "output_tokens"));
            return this;
        }

        /// <summary>The wire's input_tokens are those outside the cache; Steward's are all.</summary>
        public UsageDetails ToDetails()
        {
            long? input = (_input ?? _cacheRead ?? _cacheWrite) is null ? null : (_input ?? 0) + (_cacheRead ?? 0) + (_cacheWrite ?? 0);
            var details = new UsageDetails
            {
                InputTokenCount = input,
                CachedInputTokenCount = _cacheRead,
                OutputTokenCount = _output,
                TotalTokenCount = (input ?? _output) is null ? null : (input ?? 0) + (_output ?? 0),
            };
            if (_cacheWrite is { } written)
                details.AdditionalCounts = new() { [UsageKeys.CacheWrite] = written };

            return details;
        }

        private static long? Larger(long? known, long? reported) => known is null || reported > known ? reported ?? known : known;

        private static long? Count(JsonModel usage, string name) =>
            usage.RawData.TryGetValue(name, out var value)
            && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var count)
                ? count
                : null;
    }
}
