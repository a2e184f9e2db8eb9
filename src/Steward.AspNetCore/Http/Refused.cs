using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Steward.Client;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Http;

/// <summary>The refusals of the API, and what other errors answer.</summary>
internal static class Refused
{
    private const int Shown = 100;

    public static RefusedException Invalid(string field, string? value, string detail, int status = StatusCodes.Status400BadRequest) =>
        new(
            Problem.Of(status, "invalid_request", "The request cannot be understood.", detail, ("field", field),
                ("value", value is { Length: > Shown } ? $"{value[..Shown]}…" : value)));

    public static RefusedException NoRun(string run) =>
        new(Problem.Of(404, "unknown_run", "There is no such run.", $"There is no run '{Cut(run)}'. GET /v1/runs lists them."));

    public static RefusedException NoApproval(string id) =>
        new(
            Problem.Of(404, "unknown_approval", "There is no such approval.",
                $"Nothing is asked under '{Cut(id)}'. GET /v1/approvals lists what is open; its 'id' is what to give here."));

    public static RefusedException NoAgent(string agent, IEnumerable<string> known)
    {
        string[] names = [.. known.Order(StringComparer.Ordinal)];
        return new(
            Problem.Of(404, "unknown_agent", "There is no such agent.",
                $"There is no agent '{Cut(agent)}' here; there are: {string.Join(", ", names)}.", ("field", "agent"), ("value", Cut(agent)),
                    ("known", names)));
    }

    public static RefusedException NoTenant() =>
        new(
            Problem.Of(403, "no_tenant", "The caller has no tenant.",
                $"The caller's identity names nobody, or not exactly one tenant (the claim '{StewardCaller.TenantClaim}'). Give it one, or set StewardApiOptions.Caller."));

    public static RefusedException OtherTenant(string tenant) =>
        new(
            Problem.Of(403, "other_tenant", "That is not the caller's tenant.",
                $"'tenant' is '{Cut(tenant)}', which is not the caller's. Leave it out: the tenant follows from who calls.",
                    ("field", "tenant"), ("value", Cut(tenant))));

    public static RefusedException NotAdministrator(string detail) =>
        new(Problem.Of(403, "not_an_administrator", "Only an administrator may do this.", detail));

    public static RefusedException Stopping() =>
        new(
            Problem.Of(503, "stopping", "This server is stopping.",
                "This server is stopping and starts nothing any more. Send the request again, with the same key: another server takes it."));

    public static RefusedException TooManyStreams(int limit) =>
        new(
            Problem.Of(429, "too_many_streams", "Too many requests wait here.",
                $"{limit} streams and waiting requests are open here, which is the limit. Try again later, close some, or raise StewardApiOptions.MaxStreams.", ("limit", limit)));

    public static RefusedException TooMany(string scope, string limit, int most, TimeSpan? retryAfter) =>
        new(
            Problem.Of(429, "too_many_requests", "The caller asks for too much at once.",
                $"The limit of {limit} for this {scope} is {most}, and it is reached. Try again later, or raise StewardApiOptions.Per{(scope == "tenant" ? "Tenant" : "Caller")}.",
                ("scope", scope), ("limit", limit), ("most", most))) { RetryAfter = retryAfter };

    public static RefusedException TooLarge(int limit, string option) =>
        new(
            Problem.Of(413, "too_large", "The body is too large.",
                $"The body has more than {limit} bytes, which is the limit. Send less, or raise StewardApiOptions.{option}."));

    public static RefusedException NotJson(string? type) =>
        new(
            Problem.Of(415, "not_json", "The body is not JSON.",
                $"The body's content type is '{Cut(type ?? "")}'; send 'Content-Type: application/json'.", ("field", "Content-Type"),
                    ("value", Cut(type ?? ""))));

    public static RefusedException Ended(RunInfo run) =>
        new(
            Problem.Of(409, "run_ended", "The run has ended.",
                $"Run {run.Run} has ended: {run.Status.Name()} ({run.Reason}). Nothing was changed.", ("run", run.Run.ToString())));

    public static RefusedException Decision(int status, string type, string detail, QuestionDocument question) =>
        new(Problem.Of(status, type, "The decision was not taken.", detail, ("approval", question)));

    /// <summary>What an error answers. Of errors that nobody foresaw it says nothing: they are in the log.</summary>
    public static ProblemDetails Of(Exception error) => error switch
    {
        RefusedException e => e.Problem,
        InvalidInputException e => Invalid(e.Field, null, e.Message).Problem,
        QueueFullException e => Problem.Of(
            429,
            "queue_full",
            "The queue is full.",
            e.Message,
            ("scope", e.Full.Scope.Key),
            ("limit", e.Full.Limit),
            ("waiting", e.Full.Waiting)),
        KeyReusedException e => Problem.Of(422, "key_reused", "The key belongs to another request.",
            $"The key '{Cut(e.Key)}' started run {e.Run} with another agent, input, user or session. Use a new key for a new request.",
            ("field", "key"), ("value", Cut(e.Key)), ("run", e.Run.ToString())),
        AttachmentMissingException e => Problem.Of(422, "no_attachment", "There is no such attachment.",
            $"There is no attachment '{Cut(e.Hash)}' for this tenant. Send it to /v1/blobs first, and use it within a day.",
            ("field", "input"), ("value", Cut(e.Hash))),
        SessionBusyException e => Problem.Of(
            409,
            "session_busy",
            "The session is busy.",
            e.Message,
            ("field", "session"),
            ("value", Cut(e.Session)),
            ("run", e.BusyWith.ToString())),
        StoreException { Failure: StoreFailure.TooLarge } e => Problem.Of(413, "too_large", "Too large for the database.", e.Message),
        StoreException e => Problem.Of(
            503,
            "store_unavailable",
            "The database does not do it now.",
            $"The database could not do it ({Wire.Word(e.Failure)}). It may or may not have happened: send the request again, with the same key."),
        JournalException e =>
            Problem.Of(500, Reasons.JournalDamaged, "The run's journal is damaged.", e.Message, ("run", e.Run?.ToString())),
        BadHttpRequestException e => Problem.Of(e.StatusCode, "bad_request", "The request cannot be read.", e.Message),
        StewardException e => Problem.Of(422, "refused", "It was refused.", e.Message),
        _ => Problem.Of(
            500,
            "failed",
            "It failed.",
            "The server failed; its log says why. It may or may not have happened: send the request again, with the same key."),
    };

    private static string Cut(string text) => text.Length > Shown ? $"{text[..Shown]}…" : text;
}
