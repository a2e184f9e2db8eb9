using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Steward.AspNetCore.Endpoints;
using Steward.AspNetCore.Http;
using Steward.Client;

namespace Steward.AspNetCore;

/// <summary>Steward over HTTP, in an application that has called <c>AddSteward</c>.</summary>
public static class StewardApiExtensions
{
    /// <summary>Serves the API under <c>/v1</c> to those that the application
    /// authorizes: runs, their events, approvals, feedback, kill switches.</summary>
    /// <remarks>
    /// It stays closed where anonymous callers are allowed around it: <c>AllowAnonymous</c> has no effect on it. What a
    /// caller sees is decided by <see cref="StewardApiOptions.Caller"/>: of another tenant's run it is as if there were none.
    /// </remarks>
    /// <param name="endpoints">The application, or a group of its endpoints.</param>
    /// <param name="path">A path before <c>/v1</c>, such as <c>/agents</c>; empty for none.</param>
    /// <param name="policy">The name of the authorization policy that a caller must meet;
    /// null for the application's default, by which any authenticated caller does.</param>
    /// <returns>Its endpoints, for further conventions: a host name, a rate limit.</returns>
    /// <exception cref="ArgumentException">The path is none, or there is no such policy.</exception>
    /// <exception cref="InvalidOperationException">The application has no
    /// authorization, or no Steward, or an option is out of its range.</exception>
    public static IEndpointConventionBuilder MapSteward(this IEndpointRouteBuilder endpoints, string path = "", string? policy = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(path);
        if (path is not ("" or ['/', not '/', ..]))
            throw new ArgumentException(
                $"The API's path is '{path}'; it must be empty, or begin with '/' and name something, for example '/agents'.",
                nameof(path));
        IAuthorizationPolicyProvider policies = endpoints.ServiceProvider.GetService<IAuthorizationPolicyProvider>()
            ?? throw new InvalidOperationException(
                "The application has no authorization, without which the API is not served. Call builder.Services.AddAuthorization() and AddAuthentication() with a scheme, for example AddStewardApiKeys.");
        if (policy is not null && policies.GetPolicyAsync(policy).GetAwaiter().GetResult() is null)
            throw new ArgumentException(
                $"There is no authorization policy '{policy}'. Add it: builder.Services.AddAuthorizationBuilder().AddPolicy(\"{policy}\", …).",
                nameof(policy));

        RouteGroupBuilder api = Map(endpoints.MapGroup(path), Runtime(endpoints));
        if (policy is null)
            api.RequireAuthorization();
        else
            api.RequireAuthorization(policy);
        ((IEndpointConventionBuilder)api).Finally(static endpoint =>
        {
            foreach (object open in endpoint.Metadata.Where(static m => m is IAllowAnonymous).ToArray())
                endpoint.Metadata.Remove(open);
        });
        return api;
    }

    /// <summary>Serves <c>/healthz</c> (the process answers) and <c>/readyz</c> (the database answers
    /// too, and the process is not stopping; otherwise 503), to anybody: they say nothing else.</summary>
    /// <param name="endpoints">The application, or a group of its endpoints.</param>
    /// <exception cref="InvalidOperationException">The application has no Steward.</exception>
    public static IEndpointConventionBuilder MapStewardHealth(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        RouteGroupBuilder health = endpoints.MapGroup("");
        new HealthEndpoints(Runtime(endpoints)).Map(health);
        health.AllowAnonymous();
        return health;
    }

    private static RouteGroupBuilder Map(RouteGroupBuilder group, Api api)
    {
        new AgentEndpoints(api).Map(group);
        new BlobEndpoint(api).Map(group);
        new StartEndpoint(api).Map(group);
        new RunEndpoints(api).Map(group);
        new EventEndpoints(api).Map(group);
        new SignalEndpoints(api).Map(group);
        new FeedbackEndpoints(api).Map(group);
        new ApprovalEndpoints(api).Map(group);
        new SwitchEndpoints(api).Map(group);
        return group;
    }

    private static Api Runtime(IEndpointRouteBuilder endpoints) =>
        endpoints.ServiceProvider.GetService<IServiceProviderIsService>()?.IsService(typeof(IStewardClient)) == false
            ? throw new InvalidOperationException(
                "The application has no Steward. Call builder.Services.AddSteward() and say which store and agents it has.")
            : new Api(endpoints.ServiceProvider);
}
