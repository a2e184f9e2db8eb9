using Steward.Storage;

namespace Steward.AspNetCore.Contract;

/// <summary>A kill switch, and whether the request changed it.</summary>
internal sealed record SwitchDocument(string Scope, bool Engaged, bool? Changed = null, string? By = null, string? Reason = null, string? At = null)
{
    public static SwitchDocument Of(KillSwitch engaged) => new(engaged.Scope, true, null, engaged.By, engaged.Reason, Wire.Time(engaged.At));
}

internal sealed record SwitchList(IReadOnlyList<SwitchDocument> Switches);
