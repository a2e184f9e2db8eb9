using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Polly;
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
    private readonly ConcurrentDictionary<(string Provider, string Model), ModelCircuit> _circuits = new();
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

    /// <summary>What a target's client says that it can send; null where it does not say, or there is no client here.</summary>
    internal IAttachmentSupport? SupportOf(ModelTarget target)
    {
        try
        {
            return (IAttachmentSupport?)ClientOf(target).GetService(typeof(IAttachmentSupport));
        }
        catch (Exception e) when (e is ModelException or InvalidOperationException or ArgumentException)
        {
            return null; // A process that only starts runs needs no models.
        }
    }

    /// <summary>The retries and the circuit breaker of a target.</summary>
    internal ResiliencePipeline PipelineOf(ModelTarget target) => _pipelines.GetOrAdd(target, CreatePipeline);

    /// <summary>What is known of a model's health in this process.</summary>
    internal ModelCircuit CircuitOf(ModelTarget target) =>
        _circuits.GetOrAdd((target.Provider, target.Model), static (_, r) => new ModelCircuit(r._options, r._time), this);

    /// <summary>Whether another attempt at the same model can help.</summary>
    internal static bool IsTransient(ModelFailure failure) =>
        failure is ModelFailure.Overloaded or ModelFailure.RateLimited or ModelFailure.Timeout or ModelFailure.Unavailable
            or ModelFailure.StreamInterrupted or ModelFailure.InvalidResponse;

    private ResiliencePipeline CreatePipeline(ModelTarget target)
    {
        var builder = new ResiliencePipelineBuilder { TimeProvider = _time };
        if (target.Retries > 0)
            builder.AddRetry(CreateRetry(target.Retries));
        return builder.AddPipeline(CircuitOf(target).Breaker).Build();
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
}
