using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Steward.Storage;

namespace Steward.Cli.Dashboard;

/// <summary>How to reach a dashboard: what <c>--traces</c> reads and <c>steward traces</c> writes, for its owner alone.</summary>
/// <param name="Page">The page with the login token.</param>
/// <param name="Endpoint">Where traces are posted.</param>
/// <param name="Key">The key without which nothing is taken.</param>
internal sealed record DashboardAddress(Uri Page, Uri Endpoint, string Key)
{
    /// <summary>The header that the key stands in.</summary>
    public const string KeyHeader = "x-otlp-api-key";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>The dashboard that runs now.</summary>
    /// <exception cref="UsageException">None runs.</exception>
    public static async Task<DashboardAddress> RunningAsync(DashboardCache cache, CancellationToken cancellationToken)
    {
        if (Read(cache) is not { } address)
            throw new UsageException("--traces: no dashboard runs. Start one in another terminal: steward traces");
        return await address.AnswersAsync(cancellationToken)
            ? address
            : throw new UsageException(
                $"--traces: the dashboard at {address.Endpoint.GetLeftPart(UriPartial.Authority)} no longer answers. Start it again in another terminal: steward traces");
    }

    /// <summary>What the cache says; null where it says nothing that can be read.</summary>
    public static DashboardAddress? Read(DashboardCache cache)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(cache.RunningFile));
            JsonElement root = document.RootElement;
            return new DashboardAddress(Url(root, "page"), Url(root, "endpoint"), root.GetProperty("key").GetString() ?? "");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException or KeyNotFoundException
            or UriFormatException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>In one step, so that a reader finds the old file or the new one.</summary>
    public void Write(DashboardCache cache)
    {
        string next = $"{cache.RunningFile}.{Environment.ProcessId}";
        using (FileStream stream = PrivateFiles.Create(next))
        using (var writer = new StreamWriter(stream))
        {
            writer.WriteLine(new JsonObject
            {
                ["page"] = Page.AbsoluteUri, ["endpoint"] = Endpoint.AbsoluteUri, ["key"] = Key,
            }.ToJsonString());
        }

        File.Move(next, cache.RunningFile, overwrite: true);
    }

    /// <summary>Takes the address back, unless another dashboard has written its own meanwhile.</summary>
    public void Remove(DashboardCache cache)
    {
        if (Read(cache) == this)
            File.Delete(cache.RunningFile);
    }

    /// <summary>Whether this dashboard is there, and takes this key.</summary>
    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        // A proxy of the environment is for other machines.
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = s_patience };
        using var request = new HttpRequestMessage(HttpMethod.Post, Endpoint) { Content = new ByteArrayContent([]) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        request.Headers.TryAddWithoutValidation(KeyHeader, Key);
        try
        {
            using HttpResponseMessage response = await client.SendAsync(request, cancellationToken);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private static Uri Url(JsonElement root, string name) => new(root.GetProperty(name).GetString() ?? "", UriKind.Absolute);
}
