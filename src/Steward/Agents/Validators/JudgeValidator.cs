using System.Text.Json;
using Steward.Journal;

namespace Steward.Agents;

/// <summary>A model of the role <see cref="ModelRole.Validator"/> judges the outcome by a
/// rubric, from the tool calls in the journal; the agent's claim alone proves nothing.</summary>
/// <param name="name">Its name, unique within the agent.</param>
/// <param name="rubric">What has to be true, in words.</param>
public sealed class JudgeValidator(string name, string rubric) : IValidator
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Description => $"judge: {rubric}";

    /// <inheritdoc/>
    public SideCall Call { get; } = new JudgeCall(rubric);

    /// <inheritdoc/>
    public ValueTask<Finding> ValidateAsync(ValidationContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new(context.Judgement switch
        {
            { Text: { } text } => Read(text),
            { Failure: { } failure } => Finding.Inconclusive($"The judge could not be asked: {failure.Message}"),
            _ => Finding.Inconclusive("The judge was not asked."),
        });
    }

    /// <summary>Reads the judge's answer; what is not of the shape is inconclusive, and never passes.</summary>
    internal static Finding Read(string answer)
    {
        int from = answer.IndexOf('{', StringComparison.Ordinal), to = answer.LastIndexOf('}');
        try
        {
            JsonElement json = from >= 0 && to > from ? JsonElement.Parse(answer[from..(to + 1)]) : default;
            string evidence = json.ValueKind == JsonValueKind.Object
                && json.TryGetProperty("evidence", out JsonElement said)
                && said.ValueKind == JsonValueKind.String
                ? said.GetString()!
                : "";
            string? verdict = json.ValueKind == JsonValueKind.Object
                && json.TryGetProperty("verdict", out JsonElement word)
                && word.ValueKind == JsonValueKind.String
                ? word.GetString()
                : null;
            return verdict switch
            {
                "passed" when evidence.Length > 0 => Finding.Passed(evidence),
                "failed" => Finding.Failed(evidence),
                "inconclusive" => Finding.Inconclusive(evidence),
                _ => Finding.Inconclusive($"The judge did not answer with a verdict and evidence: {Short(answer)}"),
            };
        }
        catch (JsonException)
        {
            return Finding.Inconclusive($"The judge did not answer in JSON: {Short(answer)}");
        }
    }

    private static string Short(string text) => JudgeCall.Short(text);
}
