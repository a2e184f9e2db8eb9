using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Steward.AspNetCore.Http;

namespace Steward.AspNetCore;

/// <summary>Knows a caller by its key.</summary>
internal sealed class ApiKeyHandler(IOptionsMonitor<StewardApiKeyOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<StewardApiKeyOptions>(options, logger, encoder)
{
    private const string Prefix = "Bearer ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        string header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            || header[Prefix.Length..].Trim() is not { Length: > 0 } presented)
            return Task.FromResult(AuthenticateResult.NoResult());
        byte[] hash = StewardApiKey.Hash(presented);
        if (Find(hash) is not { } key)
            return Task.FromResult(AuthenticateResult.Fail("The key is none of this server's."));
        if (IsOver(key))
            return Task.FromResult(AuthenticateResult.Fail("The key has expired."));
        Context.Features.Set<ICallerStanding>(new Standing(() => Find(hash) is { } still && still.Name == key.Name && !IsOver(still)));
        Claim[] claims =
        [
            new(ClaimTypes.Name, key.Name),
            new(StewardCaller.TenantClaim, key.Tenant ?? "*"),
            .. key.Roles.Select(r => new Claim(ClaimTypes.Role, r)),
        ];
        var identity = new ClaimsIdentity(claims, Scheme.Name, ClaimTypes.Name, ClaimTypes.Role);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        bool isWrong = Request.Headers.Authorization.Count > 0;
        Response.Headers.WWWAuthenticate = isWrong ? "Bearer realm=\"steward\", error=\"invalid_token\"" : "Bearer realm=\"steward\"";
        return Problem.Of(StatusCodes.Status401Unauthorized, "unauthenticated", "Who calls is not known.", isWrong
            ? "The header 'Authorization' bears no key that this server knows, or one that has expired. Send 'Authorization: Bearer KEY' with a key that it was given."
            : "The request bears no key. Send 'Authorization: Bearer KEY'.").WriteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Problem.Of(
            StatusCodes.Status403Forbidden,
            "forbidden",
            "The caller may not do this.",
            "The key is known, and it is not enough for this. Use one with the role that is asked for.").WriteAsync(Context);

    private bool IsOver(StewardApiKey key) => key.ExpiresAt <= TimeProvider.GetUtcNow();

    private sealed class Standing(Func<bool> isKnown) : ICallerStanding
    {
        public bool IsKnown => isKnown();
    }

    /// <summary>All keys are compared, each in the same time, so that time says nothing of how near a guess was.</summary>
    private StewardApiKey? Find(byte[] hash)
    {
        StewardApiKey? found = null;
        foreach (StewardApiKey key in Options.KeySource?.Invoke() ?? Options.Keys.AsReadOnly())
        {
            if (CryptographicOperations.FixedTimeEquals(key.Sha256.Span, hash))
                found = key;
        }

        return found;
    }
}
