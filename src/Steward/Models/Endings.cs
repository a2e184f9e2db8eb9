using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.Models;

/// <summary>Tells a refusal from an answer. What other endings mean is decided from the state: see <c>Decide</c> and
/// <c>ToolGate</c>.</summary>
internal static class Endings
{
    private const int MostPartial = 16_384;

    /// <summary>A refused or filtered message is no answer, whatever it said before: its text is a partial result, and its calls are not
    /// made.</summary>
    /// <exception cref="ModelException">The model declined, or a filter cut it off.</exception>
    public static void ThrowIfRefused(ChatResponse response, string model)
    {
        string? words = Words(response);
        if (words is null && response.FinishReason?.Value is not (FinishReasons.ContentFilter or FinishReasons.Refusal))
            return;
        string why = response.FinishReason == ChatFinishReason.ContentFilter ? FinishReasons.ContentFilter : FinishReasons.Refusal;
        string text = response.Text.Trim();
        string said = string.IsNullOrWhiteSpace(words) ? "." : $": {words}";
        throw new ModelException(ModelFailure.Refused, $"'{model}' declined to answer ({why}){said}")
        {
            Usage = response.Usage,
            Partial = text.Length == 0 ? null : text.Length <= MostPartial ? text : text[..MostPartial],
        };
    }

    /// <summary>The model's own words of refusal, as chat clients give them.</summary>
    private static string? Words(ChatResponse response)
    {
        foreach (ChatMessage message in response.Messages)
        {
            foreach (AIContent content in message.Contents)
            {
                if (content is ErrorContent { ErrorCode: "Refusal" } refusal)
                    return refusal.Message;
            }
        }

        return null;
    }
}
