using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Steward.OrleansHost;

namespace Steward.Orleans.Tests;

/// <summary>A silo in a web application, as docs/scaling.md tells to do it, asked over HTTP. Who asks is said by a header: the test's own scheme.</summary>
public sealed class DashboardTests : IAsyncLifetime
{
    private ClusterSchema _schema = null!;
    private WebApplication? _app;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _schema = await ClusterSchema.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        await _schema.DisposeAsync();
    }

    [Fact]
    public async Task Dashboard_EveryEndpoint_IsClosedToStrangersAndOpenToWhomThePolicyLetsIn()
    {
        using HttpClient client = await StartAsync(app => app.MapStewardDashboard("/orleans", "operators"));
        string[] paths = Paths();
        Assert.True(paths.Length > 15, string.Join(' ', paths));

        foreach (string path in paths)
        {
            Assert.Equal((path, HttpStatusCode.Unauthorized), (path, await AskAsync(client, path, who: null)));
            Assert.Equal((path, HttpStatusCode.Forbidden), (path, await AskAsync(client, path, who: "guest")));
        }

        foreach (string path in (string[])["/orleans/", "/orleans/index.min.js", "/orleans/version", "/orleans/DashboardCounters"])
            Assert.Equal((path, HttpStatusCode.OK), (path, await AskAsync(client, path, who: "operator")));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(client, "/orleans/Trace", who: "operator"));
    }

    [Fact]
    public async Task Dashboard_InAGroupThatAllowsAnyone_IsClosedAllTheSame()
    {
        using HttpClient client = await StartAsync(app =>
        {
            RouteGroupBuilder open = app.MapGroup("/open").AllowAnonymous();
            open.MapGet("/hello", () => "hello");
            open.MapStewardDashboard().AllowAnonymous();
        });

        Assert.Equal(HttpStatusCode.OK, await AskAsync(client, "/open/hello", who: null));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(client, "/open/orleans/DashboardCounters", who: null));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(client, "/open/orleans/DashboardCounters", who: "guest"));
    }

    [Fact]
    public async Task Dashboard_WithoutAuthorization_IsNotMapped()
    {
        await using WebApplication app = WebApplication.CreateSlimBuilder().Build();

        Assert.Contains("AddAuthorization", Assert.Throws<InvalidOperationException>(() => app.MapStewardDashboard()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/orleans", "nobody", "'nobody'")]
    [InlineData("/", null, "'/'")]
    [InlineData("orleans", null, "'orleans'")]
    public async Task Dashboard_BadPathOrPolicy_IsRefusedByName(string path, string? policy, string named)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddAuthorization();
        await using WebApplication app = builder.Build();

        Assert.Contains(named, Assert.Throws<ArgumentException>(() => app.MapStewardDashboard(path, policy)).Message, StringComparison.Ordinal);
    }

    private async Task<HttpClient> StartAsync(Action<WebApplication> map)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
        (int silo, int gateway) = Ports.Next();
        TestSilo.Configure(builder, _schema.ConnectionString, _schema.Name, silo, gateway, o => o.ConfigureSilo = s => s.AddStewardDashboard());
        builder.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, ByHeader>("test", null);
        builder.Services.AddAuthorizationBuilder().AddPolicy("operators", p => p.RequireRole("operator"));
        _app = builder.Build();
        map(_app);
        await _app.StartAsync(Token);
        string address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(address) };
    }

    /// <summary>All that the application serves, with something in the place of parameters.</summary>
    private string[] Paths() =>
    [
        .. _app!.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Select(e => "/" + string.Join('/', e.RoutePattern.PathSegments.Select(s => string.Concat(s.Parts.Select(p => p is Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart l ? l.Content : "1"))))),
    ];

    private static async Task<HttpStatusCode> AskAsync(HttpClient client, string path, string? who)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{path}?exclude=none");
        if (who is not null)
            request.Headers.Add("X-Who", who);
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        return response.StatusCode;
    }

    private sealed class ByHeader(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (Request.Headers["X-Who"].ToString() is not { Length: > 0 } who)
                return Task.FromResult(AuthenticateResult.NoResult());
            var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, who), new Claim(ClaimTypes.Role, who)], Scheme.Name);
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
        }
    }
}
