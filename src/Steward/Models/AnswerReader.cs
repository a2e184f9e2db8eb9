using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.Models;

/// <summary>Turns a provider's answer into what the journal keeps.</summary>
internal static class AnswerReader
{
    private const int MalformedExcerpt = 1_000;

    private static readonly JsonTypeInfo<IDictionary<string, object?>> s_arguments =
        (JsonTypeInfo<IDictionary<string, object?>>)Spelling().GetTypeInfo(typeof(IDictionary<string, object?>));

    public static IReadOnlyList<ContentPart> Parts(ChatResponse response, int turn)
    {
        var parts = new List<ContentPart>();
        HashSet<string>? ids = null;
        foreach (ChatMessage message in response.Messages)
        {
            foreach (AIContent content in message.Contents)
            {
                if (Part(content, turn, parts.Count, ref ids) is { } part)
                    parts.Add(part);
            }
        }

        return parts;
    }

    public static TokenUsage? Usage(UsageDetails? usage)
    {
        if (usage?.InputTokenCount is not { } input || usage.OutputTokenCount is not { } output || input + output == 0)
            return null;
        long cacheWrite = 0;
        usage.AdditionalCounts?.TryGetValue(UsageKeys.CacheWrite, out cacheWrite);
        return new TokenUsage(input, output, usage.CachedInputTokenCount ?? 0, cacheWrite, usage.ReasoningTokenCount ?? 0);
    }

    private static ContentPart? Part(AIContent content, int turn, int index, ref HashSet<string>? ids) => content switch
    {
        TextContent { Text.Length: 0 } => null,
        TextContent text => new TextPart(text.Text),
        TextReasoningContent reasoning => new ReasoningPart(reasoning.Text, reasoning.ProtectedData),
        FunctionCallContent call => Call(call, turn, index, ids ??= new(StringComparer.Ordinal)),
        DataContent data => new DataPart(data.MediaType, data.Data.ToArray()),
        UriContent uri => new UriPart(uri.MediaType, uri.Uri),
        _ => null,
    };

    private static CallPart Call(FunctionCallContent call, int turn, int index, HashSet<string> ids)
    {
        bool unnamed = string.IsNullOrEmpty(call.CallId);
        bool duplicate = !unnamed && !ids.Add(call.CallId);
        string id = unnamed || duplicate ? $"call_{turn}_{index}" : call.CallId;
        if (call.Exception is not null)
            return new CallPart(id, call.Name, null) { Malformed = Malformed(call), DuplicateId = duplicate };
        return new CallPart(id, call.Name, Arguments(call.Arguments)) { DuplicateId = duplicate };
    }

    private static JsonElement? Arguments(IDictionary<string, object?>? arguments) =>
        arguments is null or { Count: 0 } ? null : JsonSerializer.SerializeToElement(arguments, s_arguments);

    private static string Malformed(FunctionCallContent call)
    {
        string raw = call.AdditionalProperties?.TryGetValue("raw_arguments", out object? text) == true ? $"{text}" : call.Exception!.Message;
        return raw.Length <= MalformedExcerpt ? raw : raw[..MalformedExcerpt];
    }

    /// <summary>The journal's own spelling: requests are hashed over arguments as they are written, and must be found so when they are read again.</summary>
    private static JsonSerializerOptions Spelling()
    {
        var options = new JsonSerializerOptions(AIJsonUtilities.DefaultOptions) { WriteIndented = false, Encoder = JavaScriptEncoder.Default };
        options.MakeReadOnly();
        return options;
    }
}
