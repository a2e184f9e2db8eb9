using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary>The identity of a run: a version 7 UUID, written as 32 lower-case hexadecimal digits.</summary>
[JsonConverter(typeof(RunIdConverter))]
public readonly record struct RunId(Guid Value) : IParsable<RunId>
{
    /// <summary>Makes a new id whose order follows the clock's time.</summary>
    public static RunId New(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
#pragma warning disable RS0030 // the one place that makes run ids, from the given clock
        return new RunId(Guid.CreateVersion7(time.GetUtcNow()));
#pragma warning restore RS0030
    }

    /// <inheritdoc/>
    public static RunId Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out RunId id)
            ? id
            : throw new FormatException($"'{s}' is not a run id; expected 32 hexadecimal digits, as RunId.ToString writes them.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out RunId result)
    {
        bool parsed = Guid.TryParse(s, out Guid value);
        result = new RunId(value);
        return parsed;
    }

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("n");
}

internal sealed class RunIdConverter : JsonConverter<RunId>
{
    public override RunId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        RunId.Parse(reader.GetString()!);

    public override void Write(Utf8JsonWriter writer, RunId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
