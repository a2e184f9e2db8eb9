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
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Http;

/// <summary>What the endpoints work with, and the one place where errors become answers.</summary>
internal sealed class Api
{
    private readonly IServiceProvider _services;
    private readonly CallerLimits _limits;
    private int _streams;

    public Api(IServiceProvider services)
    {
        _services = services;
        Options = services.GetRequiredService<IOptions<StewardApiOptions>>().Value;
        Options.Check();
        _limits = new CallerLimits(Options);
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
    public void Map(
        RouteGroupBuilder group,
        string method,
        string pattern,
        Func<ApiCall, Task> handle,
        RequestKind kind = RequestKind.Read) =>
        group.MapMethods(pattern, [method], (RequestDelegate)(context => HandleAsync(context, kind, handle)));

    /// <summary>Counts one stream or waiting request, of its caller, its tenant and the process, until it is disposed.</summary>
    /// <exception cref="RefusedException">There are as many as there may be.</exception>
    public IDisposable EnterStream(StewardCaller caller)
    {
        IDisposable own = _limits.EnterStream(caller);
        if (Interlocked.Increment(ref _streams) <= Options.MaxStreams)
            return new StreamSlot(this, own);
        Interlocked.Decrement(ref _streams);
        own.Dispose();
        throw Refused.TooManyStreams(Options.MaxStreams);
    }

    private async Task HandleAsync(HttpContext context, RequestKind kind, Func<ApiCall, Task> handle)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        try
        {
            StewardCaller caller = Options.Caller(context.User) ?? throw Refused.NoTenant();
            _limits.Enter(caller, kind);
            await handle(new ApiCall(this, context, caller));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone: there is nobody to answer. What it started goes on.
        }
        catch (Exception e) when (context.Response.HasStarted)
        {
            Log.RequestFailed(Logger, context.Request.Method, PathOf(context), e);
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
            Log.StoreTrouble(Logger, context.Request.Method, PathOf(context), error);
        else if (problem.Status >= 500 && error is not RefusedException)
            Log.RequestFailed(Logger, context.Request.Method, PathOf(context), error);
        if (problem.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            TimeSpan after = (error as RefusedException)?.RetryAfter ?? Options.RetryAfter;
            context.Response.Headers.RetryAfter =
                ((long)Math.Ceiling(after.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return problem.WriteAsync(context);
    }

    /// <summary>The path as a log may show it: what a client sends decoded may hold line breaks.</summary>
    private static string PathOf(HttpContext context) => Printable.Line(context.Request.Path);

    private sealed class StreamSlot(Api api, IDisposable own) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                Interlocked.Decrement(ref api._streams);
                own.Dispose();
            }
        }
    }
}
