using System.Net;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.AspNetCore;
using Steward.Cli.Commands;
using Steward.Cli.Host;
using Steward.Client;
using Steward.Declarative;
using Steward.Engine;
using Steward.Hosting;

namespace Steward.Cli.Serving;

/// <summary>The HTTP API for some agents on one database. It works on no run itself.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private const int MostConnections = 10_000;
    private readonly WebApplication _app;

    private ApiHost(WebApplication app) => _app = app;

    /// <summary>Where it listens, by the port that it really got.</summary>
    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public RunHub Hub => _app.Services.GetRequiredService<RunHub>();

    /// <summary>Who here hears of workers that have containers of their own.</summary>
    /// <remarks>Streams come before the hub: whom the hub wakes then finds the text that was said before the commit.</remarks>
    public IReadOnlyList<IRunObserver> Observers => [(IRunObserver)_app.Services.GetRequiredService<IRunStreams>(), Hub];

    /// <param name="context">The command's.</param>
    /// <param name="files">The agents.</param>
    /// <param name="store">Their database.</param>
    /// <param name="listen">Where to listen.</param>
    /// <param name="keys">The keys that callers may bear; none to serve this machine alone.</param>
    /// <exception cref="UsageException">It cannot listen there.</exception>
    public static async Task<ApiHost> StartAsync(
        CommandContext context,
        IReadOnlyList<AgentFile> files,
        OpenStore store,
        ListenAddress listen,
        KeyRing keys,
        Action<StewardApiOptions>? configure = null)
    {
        // Empty: nothing is read from appsettings.json or ASPNETCORE_ variables, which could open another door.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o =>
        {
            o.AddServerHeader = false;
            o.Limits.MaxConcurrentConnections = MostConnections;
            o.Listen(listen.Address, listen.Port);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(context.Time);
        builder.Services.AddLogging(logging => logging.AddProvider(new StderrLoggerProvider(context.Output, LogLevel.Warning)));
        // Signals are the command's own to hear.
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, NoLifetime>());
        StewardBuilder steward = builder.Services.AddSteward(o =>
        {
            o.RunWorker = false;
            o.PollInterval = TimeSpan.FromMilliseconds(500);
        }).UseStore(store.Store);
        foreach (AgentFile file in files)
            steward.AddAgent(file.Agent);
        AddCallers(builder.Services.AddAuthentication(), keys);
        builder.Services.AddAuthorization();
        if (configure is not null)
            builder.Services.Configure(configure);

        WebApplication app = builder.Build();
        if (keys.IsOpen)
            app.Use(next => context => LoopbackGuard.InvokeAsync(context, next));
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapSteward();
        app.MapStewardHealth();
        try
        {
            await app.StartAsync();
        }
        catch (IOException e)
        {
            await app.DisposeAsync();
            throw new UsageException(
                $"It cannot listen on {listen}: {e.InnerException?.Message ?? e.Message} Choose another one with --listen ADDRESS:PORT.");
        }

        return new ApiHost(app);
    }

    /// <summary>Says at /readyz that it is stopping, ends the streams, and
    /// starts nothing more; other requests are still answered.</summary>
    public void BeginToStop() => _app.Lifetime.StopApplication();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(TimeSpan.FromSeconds(5));
        await _app.DisposeAsync();
    }

    private static void AddCallers(AuthenticationBuilder authentication, KeyRing keys)
    {
        if (keys.IsOpen)
        {
            authentication.AddScheme<AuthenticationSchemeOptions, LocalCaller>(LocalCaller.Name, null);
            return;
        }

        authentication.AddStewardApiKeys(o => o.KeySource = keys.Current);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
