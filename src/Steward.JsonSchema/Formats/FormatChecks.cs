namespace Steward.JsonSchemas.Formats;

/// <summary>Whether a text is of a format.</summary>
internal delegate bool FormatCheck(ReadOnlySpan<char> text);

/// <summary>The formats of draft 2020-12 by name; an unknown name checks nothing.</summary>
internal static class FormatChecks
{
    public static FormatCheck? Find(string name, bool leapSeconds) => name switch
    {
        "date-time" => leapSeconds
            ? DateTimeFormats.IsDateTime
            : text => DateTimeFormats.IsDateTime(text) && !DateTimeFormats.IsLeap(text[11..]),
        "date" => DateTimeFormats.IsDate,
        "time" => leapSeconds ? DateTimeFormats.IsTime : text => DateTimeFormats.IsTime(text) && !DateTimeFormats.IsLeap(text),
        "duration" => DateTimeFormats.IsDuration,
        "email" => text => EmailFormat.IsMatch(text, international: false),
        "idn-email" => text => EmailFormat.IsMatch(text, international: true),
        "hostname" => text => HostNames.IsHostName(text, international: false),
        "idn-hostname" => text => HostNames.IsHostName(text, international: true),
        "ipv4" => IpFormats.IsV4,
        "ipv6" => IpFormats.IsV6,
        "uri" => text => UriFormats.IsMatch(text, relative: false, international: false),
        "uri-reference" => text => UriFormats.IsMatch(text, relative: true, international: false),
        "iri" => text => UriFormats.IsMatch(text, relative: false, international: true),
        "iri-reference" => text => UriFormats.IsMatch(text, relative: true, international: true),
        "uri-template" => UriTemplateFormat.IsMatch,
        "uuid" => PointerFormats.IsUuid,
        "json-pointer" => PointerFormats.IsJsonPointer,
        "relative-json-pointer" => PointerFormats.IsRelativeJsonPointer,
        "regex" => text => EcmaPattern.IsWellFormed(text.ToString()),
        _ => null,
    };

    /// <summary>A sample for messages, where the name alone leaves a model guessing.</summary>
    public static string Example(string name) => name switch
    {
        "date-time" => " (as 2025-01-31T09:30:00Z)",
        "date" => " (as 2025-01-31)",
        "time" => " (as 09:30:00Z)",
        "duration" => " (as P3DT12H)",
        "uri" or "iri" => " (as https://example.com/page)",
        _ => "",
    };
}
