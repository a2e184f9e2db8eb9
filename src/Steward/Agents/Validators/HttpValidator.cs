using System.Text.Json;
using Steward.Journal;
using Steward.State;
using Steward.Tools;
using Steward.Tools.Declarative;

namespace Steward.Agents;

/// <summary>What <see cref="HttpValidator"/> asks and expects.</summary>
public sealed record HttpValidatorOptions
{
    /// <summary>The validator's name, unique within the agent.</summary>
    public required string Name { get; init; }

    /// <summary>What the answer proves, in words.</summary>
    public string? Description { get; init; }

    /// <summary>The request: GET or HEAD, with the same rules for addresses, secrets and sizes
    /// as an http tool. Its parameters are taken from a tool's successful calls.</summary>
    public required HttpToolOptions Request { get; init; }

    /// <summary>The tool from whose successful calls the request's parameters of the same names
    /// are taken; it is asked for each such call. Null when there are no parameters.</summary>
    public string? ForEachCallOf { get; init; }

    /// <summary>The place in the body that is looked at (<c>$.status</c>); null for the whole body.</summary>
    public string? Path { get; init; }

    /// <summary>What has to be there; an object may have more than this says. Null: any
    /// successful answer will do, or with <see cref="Path"/> anything but null.</summary>
    public JsonElement? Expected { get; init; }
}

/// <summary>Proves an outcome by what a service answers. It only ever reads.</summary>
public sealed class HttpValidator : IValidator
{
    private const int MaxCalls = 100;
    private readonly HttpValidatorOptions _options;
    private readonly ToolDefinition _request;

    /// <summary>Makes the validator.</summary>
    /// <exception cref="ArgumentException">The request is not one that reads, or its parameters come from nowhere.</exception>
    public HttpValidator(HttpValidatorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrWhiteSpace(options.Name);
        if (options.Request.Method is not ("GET" or "HEAD"))
            throw new ArgumentException(
                $"The validator '{options.Name}' asks with {options.Request.Method}; a validator only reads: GET or HEAD.",
                nameof(options));
        if (options.Request.Parameters.Count > 0 && options.ForEachCallOf is null)
            throw new ArgumentException(
                $"The request of the validator '{options.Name}' has parameters: say with ForEachCallOf from which tool's calls they come.",
                nameof(options));
        JsonPath.Check(options.Path, $"The validator '{options.Name}'");
        _options = options;
        _request = HttpTool.Create(options.Request);
        Description = $"{options.Description ?? "The service proves it"}: {options.Request.Method} {options.Request.Url} has {(options.Expected is { } value ? value.GetRawText() : "an answer")}{(options.Path is { } path ? $" at {path}" : "")}{(options.ForEachCallOf is { } tool ? $", for each call of {tool}" : "")}.";
    }

    /// <inheritdoc/>
    public string Name => _options.Name;

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public async ValueTask<Finding> ValidateAsync(ValidationContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (_options.ForEachCallOf is not { } tool)
            return await LookAsync(context, JsonElement.Parse("{}"), cancellationToken);
        CompletedCall[] calls = [.. context.Calls.Where(c => c.Name == tool && c is { Started: true, IsError: false })];
        if (calls.Length == 0)
            return Finding.Failed($"'{tool}' was never called successfully, so there is nothing to ask for.");
        if (calls.Length > MaxCalls)
            return Finding.Inconclusive($"'{tool}' was called {calls.Length} times; more than {MaxCalls} are not looked up.");
        Finding finding = Finding.Passed("");
        foreach (CompletedCall call in calls)
        {
            finding = await LookAsync(context, call.Arguments ?? JsonElement.Parse("{}"), cancellationToken);
            if (finding.Verdict != Verdict.Passed)
                return finding;
        }

        return calls.Length == 1
            ? finding
            : finding with { Evidence = $"So it is for each of {calls.Length} calls of '{tool}'; for the last one: {finding.Evidence}" };
    }

    private async Task<Finding> LookAsync(ValidationContext context, JsonElement arguments, CancellationToken cancellationToken)
    {
        string asked =
            $"{_options.Request.Method} {_options.Request.Url}{(_options.Request.Parameters.Count == 0 ? "" : $" for {JsonMatch.Short(arguments.GetRawText(), 100)}")}";
        string text;
        try
        {
            text = (await _request.Handler(ContextOf(context), arguments, cancellationToken)).Text;
        }
        catch (ToolException e)
        {
            // An error that the service answered is a fact about the world; a service that cannot be reached is none.
            string what = $"{asked} failed: {e.Message}";
            return e.InnerException is null ? Finding.Failed(what) : Finding.Inconclusive(what);
        }

        if (_options.Path is null && _options.Expected is null)
            return Finding.Passed($"{asked} answered: {JsonMatch.Short(text)}");
        try
        {
            return JsonMatch.At(JsonElement.Parse(text), _options.Path ?? "$", _options.Expected, $"{asked} answered, and the answer");
        }
        catch (JsonException)
        {
            return Finding.Failed($"{asked} answered something that is not JSON: {JsonMatch.Short(text)}");
        }
    }

    private ToolContext ContextOf(ValidationContext context) => new()
    {
        Run = context.State.Run,
        Tenant = context.State.Started.Tenant,
        User = context.State.Started.User,
        Agent = context.Agent.Name,
        Tool = Name,
        IdempotencyKey = $"validator:{context.State.Run}:{Name}",
        Epoch = context.State.Epoch,
        Attempt = 1,
        Services = context.Services,
    };
}
