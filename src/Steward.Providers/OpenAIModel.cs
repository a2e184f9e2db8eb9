using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Chat;

namespace Steward.Providers;

/// <summary>A model over the Chat Completions wire.</summary>
internal sealed class OpenAIModel(IChatClient inner, Wire wire, IDisposable? owned) : ProviderChatClient(inner, wire, owned)
{
    private readonly Wire _wire = wire;

    protected override ProviderStream NewStream() => new OpenAIStream(_wire);

    // The wire reader throws before the SDK can: there is no error type of the vendor's left to read.
    protected override ErrorAnswer? VendorError(Exception exception) => null;

    protected override void Complete(ChatResponse response)
    {
        foreach (var call in response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>())
            ToolCalls.Complete(call, (call.RawRepresentation as ChatToolCall)?.FunctionArguments.ToString());
    }

    private sealed class OpenAIStream(Wire wire) : ProviderStream
    {
        private readonly Dictionary<int, (string? Id, StringBuilder Arguments)> _calls = [];

        protected override void Read(ChatResponseUpdate update)
        {
            if (update.RawRepresentation is StreamingChatCompletionUpdate raw)
            {
                if (update.FinishReason is null && update.Contents.Count == 0 && raw.ToolCallUpdates.Count == 0)
                    ThrowIfError(raw);

                foreach (var part in raw.ToolCallUpdates)
                    Collect(part);
            }

            foreach (var content in update.Contents)
            {
                if (content is UsageContent usage)
                    Usage = usage.Details;
                else if (content is FunctionCallContent call)
                    ToolCalls.Complete(call, RawArguments(call.CallId));
            }
        }

        // vLLM, LiteLLM and OpenRouter report a failure in mid-stream as an object {"error": ...}, in which the SDK sees only an empty update.
        private void ThrowIfError(StreamingChatCompletionUpdate raw)
        {
            var json = ModelReaderWriter.Write(raw);
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.TryGetProperty("error", out var error) && error.ValueKind is JsonValueKind.Object or JsonValueKind.String)
                throw ErrorAnswer.Parse(null, json.ToString()).ToException(wire);
        }

        private void Collect(StreamingChatToolCallUpdate part)
        {
            if (!_calls.TryGetValue(part.Index, out var call))
                _calls[part.Index] = call = (part.ToolCallId, new StringBuilder());

            if (part.FunctionArgumentsUpdate is { } text && !text.ToMemory().IsEmpty)
                call.Arguments.Append(text.ToString());
        }

        private string? RawArguments(string callId) =>
            _calls.Values.FirstOrDefault(call => call.Id == callId).Arguments?.ToString();
    }
}
