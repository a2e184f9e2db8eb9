using Steward.Storage;

namespace Steward.Client.Contract;

/// <summary>A kill switch that is engaged.</summary>
/// <param name="Scope">What it is over, such as <c>tenant:acme</c>.</param>
/// <param name="Engaged">Always true.</param>
/// <param name="By">Who engaged it.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When.</param>
public sealed record SwitchDocument(string Scope, bool Engaged, string By, string? Reason, string At)
{
    /// <summary>A kill switch that is engaged.</summary>
    public static SwitchDocument Of(KillSwitch engaged)
    {
        ArgumentNullException.ThrowIfNull(engaged);
        return new(engaged.Scope, true, engaged.By, engaged.Reason, Wire.Time(engaged.At));
    }
}

/// <summary>The kill switches that are engaged.</summary>
/// <param name="Switches">The switches.</param>
public sealed record SwitchList(IReadOnlyList<SwitchDocument> Switches);

/// <summary>What engaging or releasing a kill switch did.</summary>
/// <param name="Scope">What it is over.</param>
/// <param name="Engaged">Whether it is engaged now.</param>
/// <param name="Changed">False when it was so before.</param>
public sealed record SwitchChange(string Scope, bool Engaged, bool Changed)
{
    /// <summary>What may be a mistake, such as a scope that nothing is known of; empty for nothing.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
