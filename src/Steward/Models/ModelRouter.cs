using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Steward.Agents;
using Steward.Journal;

namespace Steward.Models;

/// <summary>Finds the client of a provider, the price of a model, and owns every retry: the providers' own are off.</summary>
public sealed class ModelRouter
{
    private readonly Func<ModelTarget, IChatClient?> _clients;
    private readonly ModelRetryOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<double>? _randomizer;
    private readonly ConcurrentDictionary<ModelTarget, IChatClient> _found = new();
    private readonly ConcurrentDictionary<(string Provider, string Model), ResiliencePipeline> _breakers = new();
    private readonly ConcurrentDictionary<ModelTarget, ResiliencePipeline> _pipelines = new();

    /// <summary>Creates a router.</summary>
    /// <param name="clients">Gives the client of a target, or null when its provider is not registered.</param>
    /// <param name="catalog">Prices and windows.</param>
    /// <param name="options">Back-off and circuit breaking.</param>
    /// <param name="time">The clock of back-off and breakers.</param>
    /// <param name="randomizer">Jitter in [0, 1); null for a good one.</param>
    public ModelRouter(
        Func<ModelTarget, IChatClient?> clients,
        ModelCatalog catalog,
        ModelRetryOptions options,
        TimeProvider time,
        Func<double>? randomizer = null)
    {
        ArgumentNullException.ThrowIfNull(clients);
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        ArgumentNullException.ThrowIfNull(time);
        _clients = clients;
        Catalog = catalog;
        _options = options;
        _time = time;
        _randomizer = randomizer;
    }

    /// <summary>Prices and windows.</summary>
    public ModelCatalog Catalog { get; }

    /// <summary>The client of a target.</summary>
    /// <exception cref="ModelException">Its provider is not registered.</exception>
    public IChatClient ClientOf(ModelTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (_found.TryGetValue(target, out IChatClient? known))
            return known;
        IChatClient client = _clients(target)
            ?? throw new ModelException(
                ModelFailure.InvalidRequest,
                $"No model provider is registered as '{target.Provider}'. Register its IChatClient with AddModels, or mend the route.") { NotBilled = true };
        return _found.GetOrAdd(target, client);
    }

    /// <summary>The retries and the circuit breaker of a target.</summary>
    internal ResiliencePipeline PipelineOf(ModelTarget target) => _pipelines.GetOrAdd(target, CreatePipeline);

    /// <summary>Whether another attempt at the same model can help.</summary>
    internal static bool IsTransient(ModelFailure failure) =>
        failure is ModelFailure.Overloaded or ModelFailure.RateLimited or ModelFailure.Timeout or ModelFailure.Unavailable
            or ModelFailure.StreamInterrupted or ModelFailure.InvalidResponse;

    private ResiliencePipeline CreatePipeline(ModelTarget target)
    {
        var builder = new ResiliencePipelineBuilder { TimeProvider = _time };
        if (target.Retries > 0)
            builder.AddRetry(CreateRetry(target.Retries));
        return builder.AddPipeline(_breakers.GetOrAdd((target.Provider, target.Model), _ => CreateBreaker())).Build();
    }

    private RetryStrategyOptions CreateRetry(int retries)
    {
        var retry = new RetryStrategyOptions
        {
            MaxRetryAttempts = retries,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = _options.Delay,
            MaxDelay = _options.MaxDelay,
            ShouldHandle = new PredicateBuilder().Handle<ModelException>(
                e => IsTransient(e.Failure) && !(e.RetryAfter > _options.MaxRetryAfter) && e is not AttemptsUsedUpException),
            DelayGenerator = static args => ValueTask.FromResult((args.Outcome.Exception as ModelException)?.RetryAfter),
        };
        if (_randomizer is not null)
            retry.Randomizer = _randomizer;
        return retry;
    }

    private ResiliencePipeline CreateBreaker() => new ResiliencePipelineBuilder { TimeProvider = _time }
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            FailureRatio = 0.5,
            MinimumThroughput = _options.BreakerThroughput,
            SamplingDuration = _options.BreakerWindow,
            BreakDuration = _options.BreakerOpen,
            ShouldHandle = new PredicateBuilder().Handle<ModelException>(
                e => e.Failure is ModelFailure.Overloaded or ModelFailure.Timeout or ModelFailure.Unavailable),
        })
        .Build();
}

/// <summary>How failed model calls are tried again.</summary>
public sealed record ModelRetryOptions
{
    /// <summary>The first back-off; it doubles from try to try, with jitter.</summary>
    /// <value>1 second; 0 to 1 day.</value>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest back-off.</summary>
    /// <value>30 seconds; 0 to 1 day.</value>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest <c>Retry-After</c> that is waited for; beyond it the next model of the route is asked.</summary>
    /// <value>60 seconds; 0 to 1 day.</value>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Calls within the window before a circuit can open.</summary>
    /// <value>20; 2 or more.</value>
    public int BreakerThroughput { get; init; } = 20;

    /// <summary>The window over which failures are counted.</summary>
    /// <value>30 seconds; half a second to 1 day.</value>
    public TimeSpan BreakerWindow { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a circuit stays open.</summary>
    /// <value>15 seconds; half a second to 1 day.</value>
    public TimeSpan BreakerOpen { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Checks that each option is in its range.</summary>
    /// <exception cref="ArgumentException">One is not; the message names it.</exception>
    internal void Check()
    {
        TimeSpan day = TimeSpan.FromDays(1);
        TimeSpan half = TimeSpan.FromSeconds(0.5);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.Delay", Delay, TimeSpan.Zero, day);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.MaxDelay", MaxDelay, TimeSpan.Zero, day);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.MaxRetryAfter", MaxRetryAfter, TimeSpan.Zero, day);
        OptionRange.Check<int>("ModelRetryOptions.BreakerThroughput", BreakerThroughput, 2, int.MaxValue);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.BreakerWindow", BreakerWindow, half, day);
        OptionRange.Check<TimeSpan>("ModelRetryOptions.BreakerOpen", BreakerOpen, half, day);
    }
}
