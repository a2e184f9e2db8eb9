namespace Steward.Agents;

/// <summary>A validator that is a method.</summary>
public sealed class DelegateValidator : IValidator
{
    private readonly Func<ValidationContext, CancellationToken, ValueTask<Finding>> _validate;

    /// <summary>Makes a validator of a method that looks and has no effect.</summary>
    /// <param name="name">Its name, unique within the agent.</param>
    /// <param name="description">What it checks; change it when the check
    /// changes, for the definition's hash is over this and not over code.</param>
    /// <param name="validate">Looks.</param>
    public DelegateValidator(string name, string description, Func<ValidationContext, CancellationToken, ValueTask<Finding>> validate)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(description);
        ArgumentNullException.ThrowIfNull(validate);
        Name = name;
        Description = description;
        _validate = validate;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public ValueTask<Finding> ValidateAsync(ValidationContext context, CancellationToken cancellationToken) =>
        _validate(context, cancellationToken);
}
