using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Steward.AspNetCore.Contract;

namespace Steward.AspNetCore.Http;

/// <summary>What an error answers, by RFC 9457: <c>type</c> for programs, <c>detail</c>
/// with value and remedy for people, and the data of what went wrong.</summary>
internal static class Problem
{
    /// <param name="status">The answer's status.</param>
    /// <param name="type">What follows <c>urn:steward:</c>.</param>
    /// <param name="title">The kind of error, in words.</param>
    /// <param name="detail">What happened, with value and remedy.</param>
    /// <param name="data">Members of its own; those that are null are left out.</param>
    public static ProblemDetails Of(
        int status,
        string type,
        string title,
        string detail,
        params ReadOnlySpan<(string Name, object? Value)> data)
    {
        var problem = new ProblemDetails { Status = status, Type = $"urn:steward:{type}", Title = title, Detail = detail };
        foreach ((string name, object? value) in data)
        {
            if (value is not null)
                problem.Extensions.Add(name, value);
        }

        return problem;
    }

    // Not TypedResults.Problem: it writes with the application's JSON options, which may name an approval's fields otherwise.
    public static Task WriteAsync(this ProblemDetails problem, HttpContext context)
    {
        context.Response.StatusCode = problem.Status!.Value;
        context.Response.ContentType = "application/problem+json";
        return JsonSerializer.SerializeAsync(context.Response.Body, problem, ApiJson.Readable.ProblemDetails, context.RequestAborted);
    }
}

/// <summary>A request is refused.</summary>
internal sealed class RefusedException(ProblemDetails problem) : StewardException(problem.Detail!)
{
    public ProblemDetails Problem { get; } = problem;

    /// <summary>When it is worth another try; null for the API's own.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
