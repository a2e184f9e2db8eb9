using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Models;

/// <summary>Turns a provider's answer into what the journal keeps.</summary>
internal static class AnswerReader
{
    private const int MalformedExcerpt = 1_000;

    /// <summary>More tokens than this in one call are no count but an error of the provider's.</summary>
    private const long MostTokens = 1_000_000_000;

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

        // White space alone is no text: it would count as an answer, and several providers refuse it when it comes back.
        if (parts.TrueForAll(part => part is not TextPart text || string.IsNullOrWhiteSpace(text.Text)))
            parts.RemoveAll(part => part is TextPart);
        return parts;
    }

    /// <summary>The usage, if it can be believed: a count that is negative or absurd says nothing, and none lowers another.</summary>
    public static TokenUsage? Usage(UsageDetails? usage)
    {
        if (usage?.InputTokenCount is not { } input || usage.OutputTokenCount is not { } output || (input == 0 && output == 0))
            return null;
        long cacheWrite = 0;
        usage.AdditionalCounts?.TryGetValue(UsageKeys.CacheWrite, out cacheWrite);
        long cacheRead = usage.CachedInputTokenCount ?? 0, reasoning = usage.ReasoningTokenCount ?? 0;
        if (!IsCount(input) || !IsCount(output) || !IsCount(cacheRead) || !IsCount(cacheWrite) || !IsCount(reasoning))
            return null;
        return new TokenUsage(Math.Max(input, checked(cacheRead + cacheWrite)), output, cacheRead, cacheWrite, reasoning);
    }

    private static bool IsCount(long tokens) => tokens is >= 0 and <= MostTokens;

    private static ContentPart? Part(AIContent content, int turn, int index, ref HashSet<string>? ids)
    {
        ContentPart? part = Read(content, turn, index, ref ids);
        return part is not null && OpaqueContent.Of(content) is { } opaque ? part with { Opaque = opaque } : part;
    }

    private static ContentPart? Read(AIContent content, int turn, int index, ref HashSet<string>? ids) => content switch
    {
        OpaqueContent => new OpaquePart(),
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
        while (id != call.CallId && !ids.Add(id))
            id += "_";
        if (call.Exception is not null)
            return new CallPart(id, call.Name, null) { Malformed = Malformed(call), DuplicateId = duplicate };
        if (Read(call.Arguments, out JsonElement? arguments) is { } fault)
            return new CallPart(id, call.Name, null) { Malformed = fault, DuplicateId = duplicate };
        return new CallPart(id, call.Name, arguments) { DuplicateId = duplicate, Raw = Raw(call, arguments) };
    }

    private static string? Raw(FunctionCallContent call, JsonElement? arguments) =>
        arguments is { } read && call.AdditionalProperties?.TryGetValue(OpaqueContent.RawArguments, out string? raw) == true
        && raw != read.GetRawText()
            ? raw
            : null;

    /// <summary>Reads arguments as the journal has them.</summary>
    /// <returns>What is wrong with them, for the model; null for nothing. A model is a door too: what no reader could read is not
    /// journaled.</returns>
    private static string? Read(IDictionary<string, object?>? arguments, out JsonElement? read)
    {
        read = null;
        if (arguments is null or { Count: 0 })
            return null;
        try
        {
            JsonElement written = JsonSerializer.SerializeToElement(arguments, s_arguments);
            InputRules.CheckJson("arguments", written);
            read = written;
            return null;
        }
        catch (InvalidInputException e)
        {
            return e.Message.TrimEnd('.');
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or JsonException)
        {
            return "they hold a text that is no text, or are nested too deep";
        }
    }

    private static string Malformed(FunctionCallContent call)
    {
        string raw = call.AdditionalProperties?.TryGetValue(OpaqueContent.RawArguments, out object? text) == true
            ? $"{text}"
            : call.Exception!.Message;
        return raw.Length <= MalformedExcerpt ? raw : raw[..MalformedExcerpt];
    }

    /// <summary>The journal's own spelling: requests are hashed over arguments as
    /// they are written, and must be found so when they are read again.</summary>
    private static JsonSerializerOptions Spelling()
    {
        var options = new JsonSerializerOptions(AIJsonUtilities.DefaultOptions)
        {
            WriteIndented = false,
            Encoder = JavaScriptEncoder.Default,
        };
        options.MakeReadOnly();
        return options;
    }
}
