using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Steward.Tools;

/// <summary>Makes a tool's output of what a method returned.</summary>
/// <remarks>The call has been made by now: whatever cannot be written must not make its outcome unknown.</remarks>
internal static class ResultWriter
{
    /// <param name="result">What the method returned.</param>
    /// <param name="isVoid">Whether it returns nothing; otherwise null is a result, and says so.</param>
    /// <param name="json">How results are written.</param>
    public static ToolOutput Output(object? result, bool isVoid, JsonSerializerOptions json)
    {
        try
        {
            return result switch
            {
                ToolOutput output => output,
                null => new ToolOutput(isVoid ? "done" : "null"),
                string text => new ToolOutput(text),
                JsonElement { ValueKind: JsonValueKind.String } element => new ToolOutput(element.GetString()!),
                JsonElement { ValueKind: JsonValueKind.Undefined } => new ToolOutput(isVoid ? "done" : "null"),
                JsonElement element => new ToolOutput(JsonText.Write(element.WriteTo)),
                JsonNode node => new ToolOutput(JsonText.Write(writer => node.WriteTo(writer))),
                AIContent content => ToolContents.Read([content]),
                IEnumerable<AIContent> contents => ToolContents.Read(contents),
                byte[] bytes => ToolContents.Read(bytes),
                ReadOnlyMemory<byte> bytes => ToolContents.Read(bytes),
                Memory<byte> bytes => ToolContents.Read(bytes),
                _ => new ToolOutput(JsonSerializer.Serialize(result, json.GetTypeInfo(result.GetType()))),
            };
        }
        catch (Exception e) when (e is not (OutOfMemoryException or InsufficientExecutionStackException))
        {
            return new ToolOutput($"done; the result of the type {NameOf(result!.GetType())} cannot be written as JSON ({e.GetType().Name})");
        }
    }

    public static string NameOf(Type type) => (Nullable.GetUnderlyingType(type) ?? type).Name;
}
