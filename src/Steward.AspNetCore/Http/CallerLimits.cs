using System.Collections.Concurrent;
using System.Threading.RateLimiting;

namespace Steward.AspNetCore.Http;

/// <summary>What a request does, as far as its limit goes.</summary>
internal enum RequestKind
{
    /// <summary>It reads.</summary>
    Read,

    /// <summary>It adds something: a run, a message, a signal, feedback.</summary>
    Write,

    /// <summary>It stops or decides something: a cancel, a kill switch, an approval. A flood of others does not hold it up.</summary>
    Control,
}

/// <summary>Limits of each caller and of each tenant: requests in a minute, those of them that write, and streams at once.</summary>
/// <remarks>
/// A bucket holds a minute's worth and is filled up evenly. Nobody shares one: not two tenants, not two callers.
/// It is of this process alone.
/// </remarks>
internal sealed class CallerLimits(StewardApiOptions options)
{
    private const int MostBuckets = 20_000;
    private static readonly TimeSpan s_idle = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, RateLimiter> _buckets = new(StringComparer.Ordinal);

    /// <summary>Counts a request.</summary>
    /// <exception cref="RefusedException">Its caller or tenant has made as many as it may.</exception>
    public void Enter(StewardCaller caller, RequestKind kind)
    {
        foreach ((string scope, string key, StewardApiLimits limits) in ScopesOf(caller))
        {
            if (kind == RequestKind.Control)
            {
                Take(scope, "controls_per_minute", key, limits.RequestsPerMinute);
                continue;
            }

            Take(scope, "requests_per_minute", key, limits.RequestsPerMinute);
            if (kind == RequestKind.Write)
                Take(scope, "writes_per_minute", key, limits.WritesPerMinute);
        }
    }

    /// <summary>Counts a stream or waiting request until it is disposed.</summary>
    /// <exception cref="RefusedException">Its caller or tenant has as many as it may.</exception>
    public IDisposable EnterStream(StewardCaller caller)
    {
        var leases = new Leases();
        foreach ((string scope, string key, StewardApiLimits limits) in ScopesOf(caller))
        {
            RateLimitLease lease = Bucket($"{scope} streams {key}", () => new ConcurrencyLimiter(
                new ConcurrencyLimiterOptions { PermitLimit = limits.Streams, QueueLimit = 0 })).AttemptAcquire();
            leases.Add(lease);
            if (lease.IsAcquired)
                continue;
            leases.Dispose();
            throw Refused.TooMany(scope, "streams", limits.Streams, null);
        }

        return leases;
    }

    private IEnumerable<(string Scope, string Key, StewardApiLimits Limits)> ScopesOf(StewardCaller caller)
    {
        yield return ("caller", $"{caller.Tenant}\n{caller.Name}", options.PerCaller);
        if (caller.Tenant is { } tenant)
            yield return ("tenant", tenant, options.PerTenant);
    }

    private void Take(string scope, string limit, string key, int perMinute)
    {
        var bucket = (TokenBucketRateLimiter)Bucket($"{scope} {limit} {key}", () => Minute(perMinute));
        bucket.TryReplenish();
        using RateLimitLease lease = bucket.AttemptAcquire();
        if (!lease.IsAcquired)
            throw Refused.TooMany(
                scope, limit, perMinute, lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan after) ? after : null);
    }

    private static TokenBucketRateLimiter Minute(int count) => new(new TokenBucketRateLimiterOptions
    {
        TokenLimit = count,
        TokensPerPeriod = Math.Max(1, count / 60),
        ReplenishmentPeriod = count < 60 ? TimeSpan.FromMinutes(1) / count : TimeSpan.FromSeconds(1),
        QueueLimit = 0,
        AutoReplenishment = false, // It is filled when it is asked, so an idle server has no timer.
    });

    private RateLimiter Bucket(string key, Func<RateLimiter> make)
    {
        if (_buckets.Count > MostBuckets)
            Forget();
        return _buckets.GetOrAdd(key, static (_, make) => make(), make);
    }

    private void Forget()
    {
        foreach ((string key, RateLimiter bucket) in _buckets)
        {
            if (bucket.IdleDuration > s_idle)
                _buckets.TryRemove(key, out _);
        }
    }

    private sealed class Leases : IDisposable
    {
        private readonly List<RateLimitLease> _leases = [];

        public void Add(RateLimitLease lease) => _leases.Add(lease);

        public void Dispose()
        {
            foreach (RateLimitLease lease in _leases)
                lease.Dispose();
        }
    }
}
