using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterBench.Ledger;

/// <summary>A call of a tool, as a node makes it.</summary>
internal sealed record ToolRequest(string Key, Guid Run, string Tool, string Effect, long Epoch);

/// <summary>The tool server: the world on which the nodes act, in a process of its own. It does what it is asked, refuses nothing, and writes down everything.</summary>
/// <remarks>Half of a call's time passes before the effect and half after it, so that a fault meets calls on both sides.</remarks>
internal static class LedgerServer
{
    /// <param name="path">The ledger's file.</param>
    /// <param name="port">The port on loopback; 0 for any.</param>
    /// <param name="callTime">How long a call takes.</param>
    public static async Task<int> RunAsync(string path, int port, TimeSpan callTime)
    {
        using LedgerFile ledger = new(path);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        await using WebApplication app = builder.Build();
        app.MapPost("/call", async (ToolRequest request) =>
        {
            await Task.Delay(callTime / 2);
            LedgerLine line = ledger.Call(request);
            await Task.Delay(callTime / 2);
            return Results.Text($"{request.Tool} {(line.Executed ? "done" : "was done before")}");
        });
        app.MapPost("/probe", (ToolRequest request) => ledger.Probe(request).Executed ? Results.Text("done") : Results.NotFound());
        await app.StartAsync();
        Console.WriteLine(app.Urls.Single());
        await ((IHost)app).WaitForShutdownAsync();
        return 0;
    }
}
