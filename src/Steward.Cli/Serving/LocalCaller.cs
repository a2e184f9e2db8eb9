using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Steward.AspNetCore;
using Steward.Cli.Commands;

namespace Steward.Cli.Serving;

/// <summary>Who calls where no key is asked for: the user of this shell, who could as well use the other commands.</summary>
internal sealed class LocalCaller(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Name = "Local";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        Claim[] claims =
        [
            new(ClaimTypes.Name, CommandContext.Operator),
            new(StewardCaller.TenantClaim, KeyFile.AllTenants),
            new(ClaimTypes.Role, new StewardApiOptions().AdministratorRole),
        ];
        return Task.FromResult(
            AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme.Name)),
                Scheme.Name)));
    }
}
