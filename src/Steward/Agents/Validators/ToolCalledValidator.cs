using System.Globalization;
using System.Text;
using System.Text.Json;
using Steward.Journal;
using Steward.State;

namespace Steward.Agents;

/// <summary>What <see cref="ToolCalledValidator"/> looks for.</summary>
public sealed record ToolCalledOptions
{
    /// <summary>The validator's name, unique within the agent.</summary>
    public required string Name { get; init; }

    /// <summary>The tool.</summary>
    public required string Tool { get; init; }

    /// <summary>How often it must have been called successfully.</summary>
    /// <value>At least once.</value>
    public Bounds Times { get; init; } = new() { AtLeast = 1 };

    /// <summary>What the arguments of a call must say for it to count; what is not said here may be anything.</summary>
    public JsonElement? Arguments { get; init; }
}

/// <summary>Proves by the journal that a tool was called successfully, how often and with what.</summary>
public sealed class ToolCalledValidator : IValidator
{
    private readonly ToolCalledOptions _options;

    /// <summary>Makes the validator.</summary>
    /// <exception cref="ArgumentException">The options contradict themselves.</exception>
    public ToolCalledValidator(ToolCalledOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrWhiteSpace(options.Name);
        if (options.Times.IsEmpty)
            throw new ArgumentException(
                $"The validator '{options.Name}' expects nothing: say how often '{options.Tool}' must be called.",
                nameof(options));
        options.Times.Check($"The validator '{options.Name}'");
        if (options.Arguments is { ValueKind: not JsonValueKind.Object })
            throw new ArgumentException(
                $"The arguments that the validator '{options.Name}' expects must be a JSON object.",
                nameof(options));
        _options = options with { Arguments = options.Arguments?.Clone() };
        Description = $"'{options.Tool}' was called successfully {options.Times} times{With}.";
    }

    /// <inheritdoc/>
    public string Name => _options.Name;

    /// <inheritdoc/>
    public string Description { get; }

    private string With =>
        _options.Arguments is { } arguments ? $" with arguments that contain {JsonMatch.Short(arguments.GetRawText())}" : "";

    /// <inheritdoc/>
    public ValueTask<Finding> ValidateAsync(ValidationContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        CompletedCall[] all = [.. context.Calls.Where(c => c.Name == _options.Tool)];
        CompletedCall[] good = [.. all.Where(c => c is { Started: true, IsError: false })];
        CompletedCall[] matching = [.. good.Where(Matches)];
        bool passed = _options.Times.Hold(matching.Length);

        var evidence = new StringBuilder();
        evidence.Append(
            CultureInfo.InvariantCulture,
            $"'{_options.Tool}' was called successfully {matching.Length} times{With}; expected {_options.Times}.");
        if (all.Length > good.Length)
            evidence.Append(CultureInfo.InvariantCulture, $" {all.Length - good.Length} more calls failed or were refused.");
        if (good.Length > matching.Length)
            evidence.Append(CultureInfo.InvariantCulture, $" {good.Length - matching.Length} more calls had other arguments.");
        foreach (CompletedCall call in (passed ? matching : good).Take(3))
            evidence.Append(CultureInfo.InvariantCulture, $" Turn {call.Turn}: {JsonMatch.Short(call.Arguments?.GetRawText() ?? "{}")}.");
        return new ValueTask<Finding>(new Finding(passed ? Verdict.Passed : Verdict.Failed, evidence.ToString()));
    }

    private bool Matches(CompletedCall call) =>
        _options.Arguments is not { } pattern || (call.Arguments is { } arguments && JsonMatch.Contains(arguments, pattern));
}
