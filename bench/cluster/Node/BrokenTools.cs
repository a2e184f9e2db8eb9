using Steward.Tools;

namespace Steward.ClusterBench.Node;

/// <summary>Defects that a node is given on purpose: a checker that does not notice them checks nothing.</summary>
internal static class BrokenTools
{
    /// <summary>A tool makes its call twice.</summary>
    public const string Twice = "twice";

    /// <summary>A tool says that it acted and did not.</summary>
    public const string Idle = "idle";

    public static Func<Func<ValueTask<ToolOutput>>, ValueTask<ToolOutput>>? Is(string? defect, string tool) => defect switch
    {
        Twice when tool == "pay" => TwiceAsync,
        Idle when tool == "pay" => static _ => ValueTask.FromResult(new ToolOutput("pay done")),
        _ => null,
    };

    private static async ValueTask<ToolOutput> TwiceAsync(Func<ValueTask<ToolOutput>> call)
    {
        await call();
        return await call();
    }
}
