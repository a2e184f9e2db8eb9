using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Steward.Journal;

namespace Steward.Storage;

/// <summary>
/// What may come in from outside: names, texts, JSON and the parts of a message. Each store passes all that it is given through here,
/// so what one database could not hold is refused alike by all, before anything is written.
/// </summary>
public static class InputRules
{
    /// <summary>The longest name: of a user, a session, a key, a role, a person, in UTF-16 units.</summary>
    public const int MaxName = 256;

    /// <summary>The longest name of a tenant, in UTF-16 units. It stands escaped in the keys of its sessions' budgets.</summary>
    public const int MaxTenant = 128;

    /// <summary>The longest id of a signal, a decision or feedback, in UTF-16 units.</summary>
    public const int MaxId = 512;

    /// <summary>Checks a name: not empty, no longer than <see cref="MaxName"/>, whole characters, no control characters.</summary>
    /// <param name="field">What it is called, for the error.</param>
    /// <param name="value">The name; null is none, and fine.</param>
    /// <exception cref="InvalidInputException">It is not usable.</exception>
    public static void CheckName(string field, string? value) => CheckName(field, value, MaxName);

    /// <summary>Checks a text: whole characters, and no U+0000.</summary>
    /// <param name="field">What it is called, for the error.</param>
    /// <param name="value">The text; null is none, and fine.</param>
    /// <exception cref="InvalidInputException">It is not usable.</exception>
    public static void CheckText(string field, string? value)
    {
        if (value is not null && InputText.FaultOf(value) is { } fault)
            throw new InvalidInputException(field, $"'{field}' {fault}; send whole characters, and no U+0000.");
    }

    /// <summary>Checks JSON: at most 48 levels deep, each name once in its object, whole characters, no U+0000.</summary>
    /// <param name="field">What it is called, for the error; empty where its fields are the names.</param>
    /// <param name="json">The JSON in UTF-8.</param>
    /// <exception cref="InvalidInputException">It is not usable; the field within it is named.</exception>
    public static void CheckJson(string field, ReadOnlySpan<byte> json)
    {
        ArgumentNullException.ThrowIfNull(field);
        InputJson.Check(field, json);
    }

    /// <inheritdoc cref="CheckJson(string, ReadOnlySpan{byte})"/>
    public static void CheckJson(string field, JsonElement? json)
    {
        ArgumentNullException.ThrowIfNull(field);
        if (json is not { } value)
            return;
        if (value.ValueKind == JsonValueKind.Undefined)
            throw new InvalidInputException(field, $"'{field}' is a JsonElement without a value; give it one, or leave it out.");
        InputJson.Check(field, JsonMarshal.GetRawUtf8Value(value));
    }

    /// <summary>Checks what a user says: texts, bytes with a media type, and addresses; a model's parts are not a user's to send.</summary>
    /// <param name="field">What it is called, for the error.</param>
    /// <param name="parts">The parts.</param>
    /// <exception cref="InvalidInputException">There is none, or one is not usable; it is named.</exception>
    public static void CheckInput(string field, IReadOnlyList<ContentPart> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Count == 0)
            throw new InvalidInputException(field, $"'{field}' has no parts; say something.");
        for (int i = 0; i < parts.Count; i++)
            CheckPart(string.Create(CultureInfo.InvariantCulture, $"{field}[{i}]"), parts[i]);
    }

    internal static void Check(RunStart start)
    {
        RunStarted started = start.Started;
        CheckName("agent", Needed("agent", started.Agent));
        CheckName("agent_version", Needed("agent_version", started.AgentVersion));
        CheckName("tenant", Needed("tenant", started.Tenant), MaxTenant);
        CheckName("user", started.User);
        CheckName("by", started.By);
        CheckName("session", started.Session);
        CheckName("key", started.Key);
        CheckInput("input", started.Input);
    }

    internal static void Check(Signal signal)
    {
        CheckName("id", Needed("id", signal.Id), MaxId);
        switch (signal.Body)
        {
            case MessageSignal message:
                CheckInput("input", message.Input);
                break;
            case CancelSignal cancel:
                CheckName("by", Needed("by", cancel.By));
                CheckText("reason", cancel.Reason);
                break;
            case NamedSignal named:
                CheckName("name", Needed("name", named.Name));
                CheckText("payload", named.Payload);
                break;
            case MigrateSignal migrate:
                CheckName("by", Needed("by", migrate.By));
                CheckText("note", migrate.Note);
                break;
        }
    }

    internal static void Check(Decision decision)
    {
        CheckName("id", Needed("id", decision.Id), MaxId);
        CheckName("question", Needed("question", decision.Question));
        CheckName("by", Needed("by", decision.By));
        CheckNames("roles", decision.Roles);
        CheckName("tenant", decision.Tenant, MaxTenant);
        CheckName("binding", decision.Binding);
        CheckText("result", decision.Result);
        CheckText("note", decision.Note);
        CheckJson("arguments", decision.Arguments);
    }

    internal static void Check(Reassignment reassignment)
    {
        CheckName("id", Needed("id", reassignment.Id), MaxId);
        CheckName("question", Needed("question", reassignment.Question));
        CheckName("by", Needed("by", reassignment.By));
        CheckName("assignee", reassignment.Assignee);
        CheckNames("roles", reassignment.Roles ?? []);
        CheckName("tenant", reassignment.Tenant, MaxTenant);
    }

    internal static void Check(Feedback feedback)
    {
        CheckName("id", Needed("id", feedback.Id), MaxId);
        CheckName("by", Needed("by", feedback.By));
        CheckText("comment", feedback.Comment);
        if (feedback.Score is { } score && !double.IsFinite(score))
            throw new InvalidInputException("score", "'score' is no number; give one from 0 (useless) to 1 (perfect), or none.");
    }

    internal static void Check(KillSwitch killSwitch)
    {
        CheckScope(killSwitch.Scope);
        CheckName("by", Needed("by", killSwitch.By));
        CheckText("reason", killSwitch.Reason);
    }

    internal static void CheckScope(string scope) => CheckName("scope", Needed("scope", scope), MaxId);

    internal static void Check(RunQuery query)
    {
        CheckName("tenant", query.Tenant, MaxId);
        CheckName("agent", query.Agent, MaxId);
        CheckName("session", query.Session, MaxId);
    }

    internal static void Check(QuestionQuery query)
    {
        CheckName("id", query.Id, MaxId);
        CheckName("tenant", query.Tenant, MaxId);
    }

    internal static void Check(FeedbackQuery query)
    {
        CheckName("agent", query.Agent, MaxId);
        CheckName("tenant", query.Tenant, MaxId);
    }

    private static void CheckNames(string field, IReadOnlyCollection<string> names)
    {
        int i = 0;
        foreach (string name in names)
        {
            string one = string.Create(CultureInfo.InvariantCulture, $"{field}[{i++}]");
            CheckName(one, Needed(one, name));
        }
    }

    private static void CheckName(string field, string? value, int most)
    {
        if (value is null)
            return;
        if (string.IsNullOrWhiteSpace(value))
            throw new InvalidInputException(field, $"'{field}' is empty; give a name, or leave it out.");
        if (value.Length > most)
            throw new InvalidInputException(
                field, string.Create(CultureInfo.InvariantCulture, $"'{field}' has {value.Length} characters; the most are {most}."));
        if (InputText.FaultOfName(value) is { } fault)
            throw new InvalidInputException(field, $"'{field}' is '{InputText.Show(value)}', which {fault}; use printable text.");
    }

    private static void CheckPart(string field, ContentPart? part)
    {
        switch (part)
        {
            case TextPart { Text: { } text }:
                CheckText($"{field}.text", text);
                break;
            case DataPart { Data: not null } data:
                CheckMediaType($"{field}.mediaType", data.MediaType);
                break;
            case BlobPart { Hash: { } hash } blob:
                CheckMediaType($"{field}.mediaType", blob.MediaType);
                CheckText($"{field}.hash", hash);
                break;
            case UriPart { Uri: { } uri } reference:
                CheckMediaType($"{field}.mediaType", reference.MediaType);
                CheckAddress($"{field}.uri", uri);
                break;
            default:
                throw new InvalidInputException(
                    field,
                    $"'{field}' is {(part is null ? "null" : $"a {part.GetType().Name}")}; a user's message has texts, data, blobs and addresses, none of them null.");
        }

        if (part.Opaque is not null)
            throw new InvalidInputException(field, $"'{field}' has opaque data, which only a model's answer can have; leave it out.");
    }

    private static void CheckMediaType(string field, string? value)
    {
        if (value is null || !MediaTypeSyntax.IsValid(value))
            throw new InvalidInputException(
                field, $"'{field}' is '{InputText.Show(value ?? "")}', which is no media type; write one such as 'image/png'.");
    }

    private static void CheckAddress(string field, Uri uri)
    {
        CheckText(field, uri.OriginalString);
        if (!uri.IsAbsoluteUri)
            throw new InvalidInputException(
                field, $"'{field}' is '{InputText.Show(uri.OriginalString)}', which is not absolute; write the whole address.");
    }

    private static string Needed(string field, string? value) =>
        value ?? throw new InvalidInputException(field, $"'{field}' is missing; give one.");
}
