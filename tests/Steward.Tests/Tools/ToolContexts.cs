using System.Text.Json;
using Steward.Journal;
using Steward.Tools;

namespace Steward.Tests.Tools;

internal static class ToolContexts
{
    public static ToolContext Context(string key = "key-1", IServiceProvider? services = null, string tenant = "acme", string? user = "ann") => new()
    {
        Run = RunId.Parse("0192f0c1d2e3747586978899aabbccdd"),
        Tenant = tenant,
        User = user,
        Agent = "support",
        Tool = "tool",
        IdempotencyKey = key,
        Epoch = 1,
        Attempt = 1,
        Services = services,
    };

    public static async Task<string> CallAsync(this ToolDefinition tool, string arguments = "{}", ToolContext? context = null) =>
        (await tool.Handler(context ?? Context(), JsonElement.Parse(arguments), TestContext.Current.CancellationToken)).Text;

    public static async Task<ProbeResult> ProbeAsync(this ToolDefinition tool, string arguments = "{}", ToolContext? context = null) =>
        await tool.Probe!(context ?? Context(), JsonElement.Parse(arguments), TestContext.Current.CancellationToken);
}
