using System.Globalization;
using System.Text;
using System.Text.Json;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Tools;

/// <summary>The built-in tool <c>read_result</c>: large results stay
/// outside the context, and the model reads on where it needs to.</summary>
internal static class ResultReader
{
    public const string Name = "read_result";

    private const int DefaultBytes = 8 * 1024;
    private const int MaxBytes = 32 * 1024;

    private static readonly JsonElement s_schema = JsonElement.Parse(
        """
        {
          "type": "object",
          "properties": {
            "result": { "type": "string", "pattern": "^[0-9a-f]{16}$", "description": "The id that the preview names." },
            "offset": { "type": "integer", "minimum": 0, "description": "The byte to start at." },
            "bytes": { "type": "integer", "minimum": 1, "maximum": 32768, "description": "How many bytes; 8192 if left out." }
          },
          "required": ["result", "offset"],
          "additionalProperties": false
        }
        """);

    public static ToolDefinition Tool { get; } = new(
        Name,
        "Reads on in a large tool result of which only the beginning was shown.",
        s_schema,
        ReadAsync)
    {
        Effect = ToolEffect.ReadOnly,
        MaxResult = MaxBytes + 256,
    };

    /// <summary>The beginning of a result, and how to read on.</summary>
    public static string Preview(Blob blob, int bytes)
    {
        int end = Boundary(blob.Content.Span, bytes);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Encoding.UTF8.GetString(blob.Content.Span[..end])}\n[… {end} of {blob.Content.Length} bytes; read on with {Name}(result: \"{blob.Hash[..16]}\", offset: {end})]");
    }

    private static async ValueTask<ToolOutput> ReadAsync(ToolContext context, JsonElement arguments, CancellationToken cancellationToken)
    {
        string id = arguments.GetProperty("result").GetString()!;
        string hash = context.Results.FirstOrDefault(h => h.StartsWith(id, StringComparison.Ordinal))
            ?? throw new ToolException($"This run has no result '{id}'.");
        ReadOnlyMemory<byte> content = await context.Blobs!.GetAsync(hash, cancellationToken)
            ?? throw new ToolException($"The result '{id}' is no longer kept.");
        JsonElement from = arguments.GetProperty("offset");
        if (!from.TryGetInt64(out long offset) || offset >= content.Length)
            throw new ToolException(
                string.Create(CultureInfo.InvariantCulture,
                    $"The result '{id}' has {content.Length} bytes; offset {from.GetRawText()} is beyond its end."));
        int wanted = arguments.TryGetProperty("bytes", out JsonElement bytes) ? bytes.GetInt32() : DefaultBytes;
        int start = Boundary(content.Span, (int)offset);
        int end = Boundary(content.Span, Math.Min(content.Length, start + wanted));
        string rest = end == content.Length
            ? "[end]"
            : string.Create(CultureInfo.InvariantCulture, $"[… {content.Length - end} bytes more from offset {end}]");
        return new ToolOutput($"{Encoding.UTF8.GetString(content.Span[start..end])}\n{rest}");
    }

    /// <summary>The last place at or before an offset that does not cut a UTF-8 sequence.</summary>
    private static int Boundary(ReadOnlySpan<byte> content, int offset)
    {
        int at = Math.Min(offset, content.Length);
        while (at > 0 && at < content.Length && (content[at] & 0xC0) == 0x80)
            at--;
        return at;
    }
}
