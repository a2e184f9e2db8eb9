using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Steward.AspNetCore.Contract;

namespace Steward.AspNetCore.Http;

/// <summary>What an error answers, by RFC 9457: <c>type</c> for programs, <c>detail</c> with value and remedy for people, and the data of what went wrong.</summary>
internal sealed record Problem
{
    public required string Type { get; init; }

    public required string Title { get; init; }

    public required int Status { get; init; }

    public required string Detail { get; init; }

    /// <summary>The field, parameter or header that is wrong.</summary>
    public string? Field { get; init; }

    /// <summary>Its value, cut.</summary>
    public string? Value { get; init; }

    /// <summary>Whose queue is full.</summary>
    public string? Scope { get; init; }

    public int? Limit { get; init; }

    public int? Waiting { get; init; }

    /// <summary>The run that stands in the way.</summary>
    public string? Run { get; init; }

    /// <summary>What there is instead.</summary>
    public IReadOnlyList<string>? Known { get; init; }

    /// <summary>The question as it stands, with who was first.</summary>
    public QuestionDocument? Approval { get; init; }

    public static Problem Of(int status, string type, string title, string detail) => new() { Status = status, Type = $"urn:steward:{type}", Title = title, Detail = detail };

    public Task WriteAsync(HttpContext context)
    {
        context.Response.StatusCode = Status;
        context.Response.ContentType = "application/problem+json";
        return JsonSerializer.SerializeAsync(context.Response.Body, this, ReadableJson.Types.Problem, context.RequestAborted);
    }
}

/// <summary>A request is refused.</summary>
internal sealed class RefusedException(Problem problem) : StewardException(problem.Detail)
{
    public Problem Problem { get; } = problem;
}
