using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Hosting;
using Steward.Storage;

namespace Steward.AspNetCore.Http;

/// <summary>What the endpoints work with, and the one place where errors become answers.</summary>
internal sealed class Api
{
    private readonly IServiceProvider _services;
    private int _streams;

    public Api(IServiceProvider services)
    {
        _services = services;
        Options = services.GetRequiredService<IOptions<StewardApiOptions>>().Value;
        Options.Check();
        Stopping = services.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None;
        Logger = services.GetService<ILoggerFactory>()?.CreateLogger("Steward.AspNetCore") ?? NullLogger.Instance;
    }

    public StewardApiOptions Options { get; }

    /// <summary>Cancelled when the process begins to stop.</summary>
    public CancellationToken Stopping { get; }

    public ILogger Logger { get; }

    public IStewardStore Store => _services.GetRequiredService<IStewardStore>();

    public IStewardClient Client => _services.GetRequiredService<IStewardClient>();

    public AgentRegistry Agents => _services.GetRequiredService<AgentRegistry>();

    public RunHub Hub => _services.GetRequiredService<RunHub>();

    public TimeProvider Time => _services.GetRequiredService<TimeProvider>();

    public TimeSpan PollInterval => _services.GetRequiredService<IOptions<StewardOptions>>().Value.PollInterval;

    /// <summary>Adds an endpoint for authenticated callers.</summary>
    public void Map(RouteGroupBuilder group, string method, string pattern, Func<ApiCall, Task> handle) =>
        group.MapMethods(pattern, [method], (RequestDelegate)(context => HandleAsync(context, handle)));

    /// <summary>Counts one stream or waiting request until it is disposed.</summary>
    /// <exception cref="RefusedException">There are as many as there may be.</exception>
    public IDisposable EnterStream()
    {
        if (Interlocked.Increment(ref _streams) <= Options.MaxStreams)
            return new StreamSlot(this);
        Interlocked.Decrement(ref _streams);
        throw Refused.TooManyStreams(Options.MaxStreams);
    }

    private async Task HandleAsync(HttpContext context, Func<ApiCall, Task> handle)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        try
        {
            await handle(new ApiCall(this, context, Options.Caller(context.User) ?? throw Refused.NoTenant()));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone: there is nobody to answer. What it started goes on.
        }
        catch (Exception e) when (context.Response.HasStarted)
        {
            Log.RequestFailed(Logger, context.Request.Method, context.Request.Path, e);
            context.Abort();
        }
        catch (Exception e)
        {
            await RefuseAsync(context, e);
        }
    }

    private Task RefuseAsync(HttpContext context, Exception error)
    {
        ProblemDetails problem = Refused.Of(error);
        if (error is StoreException && problem.Status >= 500)
            Log.StoreTrouble(Logger, context.Request.Method, context.Request.Path, error);
        else if (problem.Status >= 500 && error is not RefusedException)
            Log.RequestFailed(Logger, context.Request.Method, context.Request.Path, error);
        if (problem.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
            context.Response.Headers.RetryAfter = (
                (long)Math.Ceiling(Options.RetryAfter.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        return problem.WriteAsync(context);
    }

    private sealed class StreamSlot(Api api) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                Interlocked.Decrement(ref api._streams);
        }
    }
}
