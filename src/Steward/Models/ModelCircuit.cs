using System.Globalization;
using Polly;
using Polly.CircuitBreaker;
using Steward.Journal;

namespace Steward.Models;

/// <summary>Whether one model may be asked, by what this process has seen of it: open for moments after an outage, and for long after the
/// provider refused the key or the account.</summary>
internal sealed class ModelCircuit
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(0.5);

    private readonly CircuitBreakerStateProvider _state = new();
    private readonly ModelRetryOptions _options;
    private readonly TimeProvider _time;
    private volatile Refusal? _refusal;

    public ModelCircuit(ModelRetryOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        Breaker = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = 0.5,
                MinimumThroughput = options.BreakerThroughput,
                SamplingDuration = options.BreakerWindow,
                BreakDurationGenerator = args => ValueTask.FromResult(OpenFor(args.HalfOpenAttempts)),
                StateProvider = _state,
                ShouldHandle = new PredicateBuilder().Handle<ModelException>(
                    e => e.Failure is ModelFailure.Overloaded or ModelFailure.Timeout or ModelFailure.Unavailable),
            })
            .Build();
    }

    /// <summary>Opens after too many failures in passing.</summary>
    public ResiliencePipeline Breaker { get; }

    /// <summary>Whether a first call is on its way to find out if the model is back: the others learn soon.</summary>
    public bool IsProbing => _state.CircuitState == CircuitState.HalfOpen;

    /// <summary>Why the model is left alone for long, and until when; null when it is not.</summary>
    public string? Refused => _refusal is { } refusal && _time.GetUtcNow() < refusal.Until
        ? string.Create(
            CultureInfo.InvariantCulture, $"{refusal.Why.TrimEnd('.')}; not asked again before {refusal.Until:yyyy-MM-ddTHH:mm:ssZ}")
        : null;

    /// <summary>Notes how a call failed: a wrong key and an empty account stay so until a person has acted.</summary>
    public void Note(ModelException failure)
    {
        if (failure.Failure == ModelFailure.Authentication && _options.RefusedOpen > TimeSpan.Zero)
            _refusal = new Refusal(failure.Message, _time.GetUtcNow() + _options.RefusedOpen);
    }

    private TimeSpan OpenFor(int failedProbes)
    {
        TimeSpan first = _options.Delay < s_shortest ? s_shortest : _options.Delay;
        TimeSpan open = first * Math.Pow(2, Math.Min(failedProbes, 16));
        return open < _options.BreakerOpen ? open : _options.BreakerOpen;
    }

    private sealed record Refusal(string Why, DateTimeOffset Until);
}
