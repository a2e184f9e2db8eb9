using Steward.Models;

namespace Steward.Cli.Drills;

/// <summary>The drill's model costs nothing, and says so: an unknown price would be refused.</summary>
internal static class DrillPrice
{
    public static ModelInfo Create() =>
        new(DrillAgent.Provider, DrillAgent.Provider, 0, 0, 0, 0, 128_000, 4_096, "steward drill", "2026-01-01");
}
