using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Steward.AspNetCore.Tests;

/// <summary>Keys end: by their time, or because somebody took them out while the server runs.</summary>
public sealed class KeyTests : IDisposable
{
    private readonly TestDatabase _database = new();

    public void Dispose() => _database.Dispose();

    [Fact]
    public async Task Key_Expired_Is401()
    {
        var keys = new List<StewardApiKey>
        {
            Key("old") with { ExpiresAt = DateTimeOffset.UnixEpoch },
            Key("young") with { ExpiresAt = DateTimeOffset.MaxValue },
        };
        await using ApiServer server = await StartAsync(() => keys);
        (await server.SendAsync("GET", "/v1/runs", "old")).Is(HttpStatusCode.Unauthorized, "unauthenticated", "expired");
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/v1/runs", "young")).Status);
    }

    [Fact]
    public async Task Key_TakenOut_Is401FromThenOnAndItsStreamEnds()
    {
        IReadOnlyList<StewardApiKey> keys = [Key("acme-app"), Key("acme-boss")];
        await using ApiServer server = await StartAsync(() => Volatile.Read(ref keys));
        string run = await server.RunAsync("helper");
        using EventReader stream = await server.StreamAsync(run);
        Volatile.Write(ref keys, [Key("acme-boss")]);

        (await server.SendAsync("GET", "/v1/runs", "acme-app")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/v1/runs", "acme-boss")).Status);
        await stream.RestAsync();
    }

    private Task<ApiServer> StartAsync(Func<IReadOnlyList<StewardApiKey>> source) => ApiServer.StartAsync(
        _database,
        work: false,
        o => o.Heartbeat = TimeSpan.FromMilliseconds(20),
        map: app =>
        {
            app.Services.GetRequiredService<IOptionsMonitor<StewardApiKeyOptions>>().Get(StewardApiKeyExtensions.Scheme).KeySource = source;
            app.MapSteward();
        });

    private static StewardApiKey Key(string name) => new(name, "acme", [], StewardApiKey.Hash(ApiServer.KeyOf(name)));
}
