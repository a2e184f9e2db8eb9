using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Models;

namespace Steward.Providers;

/// <summary>The token counts of one answer. Counts in a stream are cumulative, so of each the largest stands; none is summed, none
/// sinks.</summary>
/// <remarks>A count that is negative, broken or absurd makes all of them unbelievable: nothing is reported then, and the runtime settles
/// the reservation.</remarks>
internal sealed class UsageCounts
{
    private const long Most = 1_000_000_000;

    private long? _input;
    private long? _output;
    private long? _total;
    private long? _reasoning;
    private long? _cacheRead;
    private long? _cacheWrite;
    private bool _isUnbelievable;

    /// <summary>Whether anything was reported.</summary>
    public bool IsReported => (_input ?? _output ?? _cacheRead ?? _cacheWrite) is not null;

    /// <summary>Reads the <c>usage</c> of Chat Completions: its input includes the cached tokens.</summary>
    public void ReadChat(JsonElement usage)
    {
        if (usage.ValueKind != JsonValueKind.Object)
            return;
        See(ref _input, usage, "prompt_tokens", "input_tokens");
        See(ref _output, usage, "completion_tokens", "output_tokens");
        See(ref _total, usage, "total_tokens");
        if (Details(usage, "prompt_tokens_details", "input_tokens_details") is { } input)
            See(ref _cacheRead, input, "cached_tokens");
        See(ref _cacheRead, usage, "prompt_cache_hit_tokens"); // DeepSeek.
        if (Details(usage, "completion_tokens_details", "output_tokens_details") is { } output)
            See(ref _reasoning, output, "reasoning_tokens");
    }

    /// <summary>Reads the <c>usage</c> of Messages: its input is without the cached tokens.</summary>
    public void ReadMessages(JsonElement usage)
    {
        if (usage.ValueKind != JsonValueKind.Object)
            return;
        See(ref _input, usage, "input_tokens");
        See(ref _cacheRead, usage, "cache_read_input_tokens");
        See(ref _cacheWrite, usage, "cache_creation_input_tokens");
        See(ref _output, usage, "output_tokens");
    }

    /// <summary>What Chat Completions used.</summary>
    /// <param name="isFinished">Whether the count is the last one: what a broken stream has counted of its output says nothing.</param>
    public UsageDetails? ChatDetails(bool isFinished)
    {
        if (_isUnbelievable || !IsReported)
            return null;
        long? output = isFinished ? _output : null;
        // xAI and Gemini count reasoning outside of completion_tokens and inside of the total.
        if (output is { } written && _input is { } read)
        {
            output = Math.Max(written, (_total ?? 0) - read);
            if (_reasoning > output)
                output = written + _reasoning;
        }

        return Details(_input is { } input ? Math.Max(input, _cacheRead ?? 0) : null, output);
    }

    /// <summary>What Messages used; the runtime's input is all of it, that from the cache included.</summary>
    public UsageDetails? MessagesDetails(bool isFinished)
    {
        if (_isUnbelievable || !IsReported)
            return null;
        long? input = (_input ?? _cacheRead ?? _cacheWrite) is null ? null : (_input ?? 0) + (_cacheRead ?? 0) + (_cacheWrite ?? 0);
        return Details(input, isFinished ? _output : null);
    }

    private UsageDetails? Details(long? input, long? output)
    {
        // No request is without input, and no count is beyond what a model can read or write.
        if (input is 0 or > Most || output > Most)
            return null;
        var details = new UsageDetails
        {
            InputTokenCount = input,
            CachedInputTokenCount = _cacheRead,
            OutputTokenCount = output,
            ReasoningTokenCount = _reasoning,
            TotalTokenCount = input is null || output is null ? null : input + output,
        };
        if (_cacheWrite is { } written)
            details.AdditionalCounts = new() { [UsageKeys.CacheWrite] = written };
        return details;
    }

    private void See(ref long? known, JsonElement usage, string name, string? otherName = null)
    {
        if (!usage.TryGetProperty(name, out JsonElement value) && (otherName is null || !usage.TryGetProperty(otherName, out value)))
            return;
        if (value.ValueKind is not (JsonValueKind.Number or JsonValueKind.String))
            return;
        // As text and as 12.0 it is a count all the same.
        if (!decimal.TryParse(WireText.Of(value), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal count)
            || count is < 0 or > Most || count != decimal.Truncate(count))
        {
            _isUnbelievable = true;
            return;
        }

        if (known is null || count > known)
            known = (long)count;
    }

    private static JsonElement? Details(JsonElement usage, string name, string otherName) =>
        (usage.TryGetProperty(name, out JsonElement details) || usage.TryGetProperty(otherName, out details))
        && details.ValueKind == JsonValueKind.Object
            ? details
            : null;
}
