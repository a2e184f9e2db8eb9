using System.Text;
using Microsoft.Extensions.AI;
using OpenAI.Chat;

namespace Steward.Providers;

/// <summary>A model over the Chat Completions wire.</summary>
internal sealed class OpenAIModel(IChatClient inner, Wire wire, IDisposable? owned) : ProviderChatClient(inner, wire, owned)
{
    protected override ProviderStream NewStream() => new OpenAIStream();

    // The wire reader throws before the SDK can: there is no error type of the vendor's left to read.
    protected override ErrorAnswer? VendorError(Exception exception) => null;

    protected override void Complete(ChatResponse response)
    {
        foreach (var call in response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>())
            ToolCalls.Complete(call, (call.RawRepresentation as ChatToolCall)?.FunctionArguments.ToString());
    }

    private sealed class OpenAIStream : ProviderStream
    {
        private readonly Dictionary<int, (string? Id, StringBuilder Arguments)> _calls = [];

        protected override void Read(ChatResponseUpdate update)
        {
            if (update.RawRepresentation is StreamingChatCompletionUpdate raw)
            {
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
