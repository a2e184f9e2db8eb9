using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Dashboard;
using Orleans.Hosting;

namespace Steward.Orleans;

/// <summary>Orleans' dashboard: silos, grains, calls. It shows grains by run id and what the hosts are, so only those that the application
/// lets in may see it.</summary>
public static class DashboardExtensions
{
    /// <summary>Makes this silo collect what the dashboard shows. Call it on every silo:
    /// <c>UseStewardOrleans(o => o.ConfigureSilo = silo => silo.AddStewardDashboard())</c>.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="configure">Changes Orleans' own options. The live view of
    /// the host's log (<c>HideTrace</c>) is off unless this turns it on.</param>
    public static ISiloBuilder AddStewardDashboard(this ISiloBuilder silo, Action<DashboardOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(silo);
        return silo.AddDashboard(o =>
        {
            o.HideTrace = true;
            configure?.Invoke(o);
        });
    }

    /// <summary>Serves the dashboard under a path, to those that the application authorizes.</summary>
    /// <remarks>It stays closed where anonymous callers are allowed around it: <c>AllowAnonymous</c> has no effect on it.</remarks>
    /// <param name="endpoints">The application, or a group of its endpoints.</param>
    /// <param name="path">Where; not the root.</param>
    /// <param name="policy">The name of the authorization policy that a caller must meet;
    /// null for the application's default, by which any authenticated caller does.</param>
    /// <returns>Its endpoints, for further conventions: a host name, a rate limit.</returns>
    /// <exception cref="ArgumentException">The path is none, or there is no such policy.</exception>
    /// <exception cref="InvalidOperationException">The application has no authorization, or its silo no dashboard.</exception>
    public static IEndpointConventionBuilder MapStewardDashboard(
        this IEndpointRouteBuilder endpoints,
        string path = "/orleans",
        string? policy = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        if (path is not ['/', not '/', ..])
            throw new ArgumentException(
                $"The dashboard's path is '{path}'; it must begin with '/' and name something, for example '/orleans'.",
                nameof(path));
        IAuthorizationPolicyProvider policies = endpoints.ServiceProvider.GetService<IAuthorizationPolicyProvider>()
            ?? throw new InvalidOperationException(
                "The application has no authorization, without which the dashboard is not served. Call builder.Services.AddAuthorization() and AddAuthentication() with a scheme.");
        if (policy is not null && policies.GetPolicyAsync(policy).GetAwaiter().GetResult() is null)
            throw new ArgumentException(
                $"There is no authorization policy '{policy}'. Add it: builder.Services.AddAuthorizationBuilder().AddPolicy(\"{policy}\", …).",
                nameof(policy));
        RouteGroupBuilder dashboard = endpoints.MapOrleansDashboard(path);
        if (policy is null)
            dashboard.RequireAuthorization();
        else
            dashboard.RequireAuthorization(policy);
        ((IEndpointConventionBuilder)dashboard).Finally(static endpoint =>
        {
            foreach (object open in endpoint.Metadata.Where(static m => m is IAllowAnonymous).ToArray())
                endpoint.Metadata.Remove(open);
        });
        return dashboard;
    }
}
