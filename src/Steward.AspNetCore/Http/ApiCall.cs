using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Http;

/// <summary>One request, of a caller whose tenant is known.</summary>
internal sealed class ApiCall(Api api, HttpContext context, StewardCaller caller)
{
    public Api Api => api;

    public HttpContext Context => context;

    public StewardCaller Caller => caller;

    public bool IsAdministrator => caller.Roles.Contains(api.Options.AdministratorRole);

    /// <summary>Cancelled when the client has gone. For reading only: what is written is written.</summary>
    public CancellationToken Aborted => context.RequestAborted;

    /// <summary>Whether the caller would be let in now; always so where the scheme does not say.</summary>
    public bool IsStillKnown => context.Features.Get<ICallerStanding>()?.IsKnown != false;

    /// <summary>The value of a parameter of the route.</summary>
    public string Route(string name) => (string)context.GetRouteValue(name)!;

    /// <summary>A parameter of the query string, or null.</summary>
    /// <exception cref="RefusedException">It is there twice, or empty.</exception>
    public string? Query(string name) => context.Request.Query[name] switch
    {
        [] => null,
        [{ Length: > 0 } one] => one,
        [_] => throw Refused.Invalid(name, "", $"The parameter '{name}' is empty; leave it out, or give it a value."),
        var several => throw Refused.Invalid(
            name, string.Join('&', several.ToArray()), $"The parameter '{name}' is there {several.Count} times; give it once."),
    };

    /// <summary>A parameter of the query string that may be there several times.</summary>
    public IReadOnlyList<string> QueryAll(string name) => [.. context.Request.Query[name].Select(value => value ?? "")];

    /// <summary>A whole number of the query string.</summary>
    /// <exception cref="RefusedException">It is none, or out of its range.</exception>
    public long Number(string name, long otherwise, long least, long most) => Query(name) switch
    {
        null => otherwise,
        string text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            && value >= least
            && value <= most => value,
        string text => throw Refused.Invalid(
            name,
            text,
            string.Create(CultureInfo.InvariantCulture, $"'{name}' is '{text}'; it must be a whole number from {least} to {most}.")),
    };

    /// <summary>A switch of the query string; false where it is not there.</summary>
    /// <exception cref="RefusedException">It is neither <c>true</c> nor <c>false</c>.</exception>
    public bool Flag(string name) => Query(name) switch
    {
        null or "false" => false,
        "true" => true,
        string text => throw Refused.Invalid(name, text, $"'{name}' is '{text}'; it must be true or false."),
    };

    /// <summary>Refuses parameters that the endpoint does not know: a filter that is misspelt would otherwise show everything.</summary>
    public void KnowsQuery(params ReadOnlySpan<string> known)
    {
        foreach (string name in context.Request.Query.Keys)
        {
            if (!known.Contains(name))
                throw Refused.Invalid(
                    name,
                    context.Request.Query[name].ToString(),
                    $"There is no parameter '{name}' here; {(known.Length == 0 ? "there is none" : $"there are: {string.Join(", ", known.ToArray())}")}.");
        }
    }

    /// <summary>The run that the route names, if it is one of the caller's tenant.</summary>
    /// <exception cref="RefusedException">There is none, as far as the caller may know.</exception>
    public ValueTask<RunInfo> RunAsync() => RunAsync(Route("id"));

    /// <summary>A run, if it is one of the caller's tenant.</summary>
    /// <exception cref="RefusedException">There is none, as far as the caller may know.</exception>
    public async ValueTask<RunInfo> RunAsync(string text) =>
        RunId.TryParse(text, null, out RunId id)
        && await api.Store.FindAsync(new RunQuery { Run = id, Tenant = caller.Tenant, Limit = 1 }, Aborted) is [var run]
        && (caller.Tenant is null || run.Tenant == caller.Tenant)
            ? run
            : throw Refused.NoRun(text);

    /// <summary>The tenant that a request is for: the caller's own, or the one it names where the caller has all of them.</summary>
    /// <param name="named">The tenant that the request names.</param>
    /// <param name="otherwise">For callers with all tenants that name none.</param>
    /// <exception cref="RefusedException">It names another one than the caller's.</exception>
    public string? Tenant(string? named, string? otherwise)
    {
        if (caller.Tenant is { } own && named is not null && named != own)
            throw Refused.OtherTenant(named);
        return caller.Tenant ?? named ?? otherwise;
    }

    public Task JsonAsync<T>(int status, T value, JsonTypeInfo<T> json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.Body, value, json, Aborted);
    }

    /// <summary>The key by which the request may be sent again: the header <c>Idempotency-Key</c>, or the body's own field.</summary>
    /// <exception cref="RefusedException">Both are there and differ, or the key is empty or too long.</exception>
    public string? Key(string? inBody, string field)
    {
        string? header = context.Request.Headers["Idempotency-Key"] switch
        {
            [] => null,
            [{ } one] when !string.IsNullOrWhiteSpace(one) && one.Length <= JsonBody.MostName => one,
            var other => throw Refused.Invalid(
                "Idempotency-Key",
                other.ToString(),
                $"The header 'Idempotency-Key' must be there once, with 1 to {JsonBody.MostName} characters."),
        };
        return header is not null && inBody is not null && header != inBody
            ? throw Refused.Invalid(
                field, inBody, $"'{field}' is '{inBody}' and the header 'Idempotency-Key' is '{header}'; give one of the two.")
            : header ?? inBody;
    }
}
