using System.Text.Json;
using Steward.Tools.Declarative;

namespace Steward.Agents;

/// <summary>Checks a value inside an answer that is JSON. Says nothing about the world: use it beside one that does.</summary>
public sealed class AnswerPathValidator : IValidator
{
    private readonly string _path;
    private readonly JsonElement? _expected;

    /// <summary>Makes the validator.</summary>
    /// <param name="name">Its name, unique within the agent.</param>
    /// <param name="path">One place: <c>$.order.items[0].id</c>, or a JSON Pointer (<c>/order/items/0/id</c>).</param>
    /// <param name="expected">What has to be there; an object may have more than this says. Null: anything but null.</param>
    /// <exception cref="ArgumentException">The path is not one.</exception>
    public AnswerPathValidator(string name, string path, JsonElement? expected = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        JsonPath.Check(path, $"The validator '{name}'");
        Name = name;
        _path = path;
        _expected = expected?.Clone();
        Description = $"The answer is JSON and has {(expected is { } value ? value.GetRawText() : "something")} at {path}.";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public ValueTask<Finding> ValidateAsync(ValidationContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new ValueTask<Finding>(Look(context.Answer));
    }

    private Finding Look(string answer)
    {
        JsonElement root;
        try
        {
            root = JsonElement.Parse(answer);
        }
        catch (JsonException)
        {
            return Finding.Failed($"The answer is not JSON: \"{JsonMatch.Short(answer)}\".");
        }

        return JsonMatch.At(root, _path, _expected, "The answer");
    }
}
