using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steward.Tests.Shared;

namespace Steward.OpenTelemetry.Tests;

/// <summary>A back end on loopback: takes what is posted, or answers as it is told.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OtlpReceiver(WebApplication app) => _app = app;

    public ConcurrentQueue<(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)> Requests { get; } = new();

    /// <summary>What it answers.</summary>
    public int Status { get; set; } = 200;

    /// <summary>What it waits for before it answers.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public Uri Traces => new(Address, "/v1/traces");

    public Uri Address { get; private set; } = null!;

    public static async Task<OtlpReceiver> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.Map("/{**path}", async (HttpContext context) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            receiver.Requests.Enqueue((context.Request.Path, context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString()), body.ToArray()));
            await receiver.Gate;
            context.Response.StatusCode = receiver.Status;
        });
        await app.StartAsync();
        receiver.Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return receiver;
    }

    /// <summary>The spans of all requests, decoded by an independent decoder.</summary>
    public async Task<IReadOnlyList<OtlpSpan>> SpansAsync()
    {
        string folder = typeof(OtlpReceiver).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "DecoderFolder").Value!;
        Requirement.Node(folder);
        var start = new ProcessStartInfo("node", ["decode.cjs"]) { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process node = Process.Start(start)!;
        foreach ((string path, _, byte[] body) in Requests.Where(r => r.Path.EndsWith("/traces", StringComparison.Ordinal)))
            await node.StandardInput.WriteLineAsync(Convert.ToBase64String(body));
        node.StandardInput.Close();
        string json = await node.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await node.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, node.ExitCode);
        return [.. JsonElement.Parse(json).EnumerateArray().Select(OtlpSpan.Read)];
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}

/// <summary>A span as a back end sees it.</summary>
internal sealed record OtlpSpan(
    string Trace, string Id, string Parent, string Name, int Kind, long Start, long End, JsonElement Attributes, JsonElement Events, int Status, string Scope)
{
    public static OtlpSpan Read(JsonElement e) => new(
        e.GetProperty("trace").GetString()!,
        e.GetProperty("id").GetString()!,
        e.GetProperty("parent").GetString()!,
        e.GetProperty("name").GetString()!,
        e.GetProperty("kind").GetInt32(),
        long.Parse(e.GetProperty("start").GetString()!, System.Globalization.CultureInfo.InvariantCulture),
        long.Parse(e.GetProperty("end").GetString()!, System.Globalization.CultureInfo.InvariantCulture),
        e.GetProperty("attributes"),
        e.GetProperty("events"),
        e.GetProperty("status").GetInt32(),
        e.GetProperty("scope").GetString()!);

    /// <summary>A string attribute; null when it is not there.</summary>
    public string? this[string name] => !Attributes.TryGetProperty(name, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText();

    /// <summary>Everything that a back end sees, in one line.</summary>
    public string Describe() =>
        $"{Trace} {Parent}>{Id} {Name} {Kind} {Start}-{End} {Status} {Sorted(Attributes)} [{string.Join(" ", Events.EnumerateArray().Select(x => $"{x.GetProperty("name")}@{x.GetProperty("time")}{Sorted(x.GetProperty("attributes"))}"))}]";

    private static string Sorted(JsonElement attributes) =>
        string.Join(",", attributes.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => $"{p.Name}={p.Value.GetRawText()}"));
}
