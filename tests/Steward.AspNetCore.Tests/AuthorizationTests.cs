using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steward.Hosting;

namespace Steward.AspNetCore.Tests;

/// <summary>The API is open to nobody by default.</summary>
public sealed class AuthorizationTests : IDisposable
{
    private readonly TestDatabase _database = new();

    public void Dispose() => _database.Dispose();

    [Fact]
    public async Task EveryRoute_WithoutAKeyOrWithAWrongOne_Answers401()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, work: false);
        (string Method, string Pattern)[] routes = [.. server.Routes.Where(r => r.Pattern.StartsWith("/v1", StringComparison.Ordinal))];
        Assert.True(routes.Length > 12);
        foreach ((string method, string pattern) in routes)
        {
            string path = pattern.Replace("{id}", "1", StringComparison.Ordinal).Replace("{scope}", "global", StringComparison.Ordinal);
            ApiAnswer none = await server.SendAsync(method, path, who: null);
            none.Is(HttpStatusCode.Unauthorized, "unauthenticated", "Authorization: Bearer KEY");
            Assert.Equal("Bearer", Assert.Single(none.Headers.WwwAuthenticate).Scheme);
            (await server.SendAsync(method, path, who: "nobody")).Is(HttpStatusCode.Unauthorized, "unauthenticated", "bears no key that this server knows");
        }
    }

    [Theory]
    [InlineData("Basic", "key-of-root")]
    [InlineData("Bearer", "key-of-roo")]
    [InlineData("Bearer", "key-of-root2")]
    [InlineData("Bearer", "KEY-OF-ROOT")]
    public async Task Key_ThatIsNotOne_IsRefused(string scheme, string key)
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, work: false);
        HttpRequestMessage request = ApiServer.Request("GET", "/v1/runs", who: null);
        request.Headers.Authorization = new AuthenticationHeaderValue(scheme, key);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.SendAsync(request)).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/v1/runs", "root")).Status);
    }

    [Fact]
    public async Task InAGroupThatAllowsAnyone_IsClosedAllTheSame()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, work: false, map: app =>
        {
            RouteGroupBuilder open = app.MapGroup("/open").AllowAnonymous();
            open.MapGet("/hello", () => "hello");
            open.MapSteward("/agents").AllowAnonymous();
        });
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/open/hello", who: null)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.SendAsync("GET", "/open/agents/v1/runs", who: null)).Status);
        ApiAnswer started = await server.SendAsync("POST", "/open/agents/v1/runs", body: """{"agent":"helper","input":"Hello"}""");
        Assert.StartsWith("/open/agents/v1/runs/", started.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", started.Headers.Location.ToString())).Status);
    }

    [Fact]
    public async Task CallerWithoutTenant_Answers403()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, work: false, configure: o => o.Caller = _ => null);
        (await server.SendAsync("GET", "/v1/runs")).Is(HttpStatusCode.Forbidden, "no_tenant", "'tenant'");
    }

    [Fact]
    public async Task WithoutAuthorizationOrSteward_IsNotMapped()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSteward();
        await using WebApplication open = builder.Build();
        Assert.Contains("AddAuthorization", Assert.Throws<InvalidOperationException>(() => open.MapSteward()).Message, StringComparison.Ordinal);

        builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddAuthorization();
        await using WebApplication bare = builder.Build();
        Assert.Contains("AddSteward", Assert.Throws<InvalidOperationException>(() => bare.MapSteward()).Message, StringComparison.Ordinal);
        Assert.Contains("'nobody'", Assert.Throws<ArgumentException>(() => bare.MapSteward(policy: "nobody")).Message, StringComparison.Ordinal);
        Assert.Contains("'agents'", Assert.Throws<ArgumentException>(() => bare.MapSteward("agents")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_OutOfRange_AreRefusedByName()
    {
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(() => ApiServer.StartAsync(_database, configure: o => o.MaxBodySize = 1));
        Assert.Contains("StewardApiOptions.MaxBodySize is '1'", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ana", new[] { "acme" }, "ana", "acme")]
    [InlineData("ana", new[] { "*" }, "ana", null)]
    [InlineData("ana", new string[0], null, null)]
    [InlineData("ana", new[] { "acme", "beta" }, null, null)]
    [InlineData(null, new[] { "acme" }, null, null)]
    public void Claims_NameOneTenantOrNobody(string? name, string[] tenants, string? callerName, string? callerTenant)
    {
        var identity = new ClaimsIdentity([.. tenants.Select(t => new Claim("tenant", t)), new Claim(ClaimTypes.Role, "finance")], "test");
        if (name is not null)
            identity.AddClaim(new Claim(ClaimTypes.Name, name));
        StewardCaller? caller = StewardCaller.FromClaims(new ClaimsPrincipal(identity));
        Assert.Equal((callerName, callerTenant), (caller?.Name, caller?.Tenant));
        Assert.Equal(callerName is null ? null : ["finance"], caller?.Roles);
    }

    [Fact]
    public void Keys_ThatCannotBe_AreRefused()
    {
        StewardApiKey key = new("a", "acme", [], StewardApiKey.Hash("one"));
        Assert.Contains("two API keys named 'a'", Refused(key, key with { Sha256 = StewardApiKey.Hash("two") }), StringComparison.Ordinal);
        Assert.Contains("the same key", Refused(key, key with { Name = "b" }), StringComparison.Ordinal);
        Assert.Contains("needs a name", Refused(key with { Sha256 = new byte[3] }), StringComparison.Ordinal);
        Assert.NotEqual(StewardApiKey.Generate(), StewardApiKey.Generate());

        static string Refused(params StewardApiKey[] keys)
        {
            var options = new StewardApiKeyOptions();
            foreach (StewardApiKey k in keys)
                options.Keys.Add(k);
            return Assert.Throws<InvalidOperationException>(options.Validate).Message;
        }
    }
}
