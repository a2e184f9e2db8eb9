using System.Globalization;
using Steward.Agents;
using Steward.Journal;
using Steward.State;

namespace Steward.Engine;

/// <summary>Which models of a route could not be asked in one round, whether one may be later, and when.</summary>
internal sealed class OutageReport(RunState state, TimeSpan patience, DateTimeOffset now)
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private readonly List<string> _why = [];
    private int _refused;
    private bool _isTransient;
    private TimeSpan? _soonest;

    /// <summary>Whether one of the models may answer later, within the agent's patience.</summary>
    public bool MayWait => _isTransient && HasPatience(state, patience, now);

    /// <summary>Whether the agent waits on: its patience counts from the first wait of the turn.</summary>
    public static bool HasPatience(RunState state, TimeSpan patience, DateTimeOffset now) => now - (state.Outage?.Since ?? now) < patience;

    /// <summary>Notes a model that could not be asked.</summary>
    public void Add(ModelTarget target, string why, TimeSpan? retryAfter, bool isTransient)
    {
        _why.Add($"{target.Provider}/{target.Model}: {why.TrimEnd('.')}");
        _isTransient |= isTransient;
        if (isTransient && retryAfter is { } wait && (_soonest is null || wait < _soonest))
            _soonest = wait;
    }

    /// <summary>Notes a model whose circuit is open. While a probe is on its way its answer may come at any moment, so the run does not
    /// wait until the circuit would let the next one through.</summary>
    public void AddOpen(ModelTarget target, TimeSpan? retryAfter, bool isProbing)
    {
        TimeSpan? wait = isProbing && (retryAfter is null || BackOff < retryAfter) ? BackOff : retryAfter;
        Add(target, "it failed too often just now, and is left alone for a while", wait, isTransient: true);
    }

    /// <summary>Notes a model that refused the key, or whose account has no credit.</summary>
    public void AddRefused(ModelTarget target, string why)
    {
        _refused++;
        Add(target, why, null, isTransient: false);
    }

    /// <summary>Waits as long as the first of them asks for; otherwise longer from time to time.</summary>
    public StepResult.ModelsDown Wait()
    {
        TimeSpan wait = _soonest ?? BackOff;
        DateTimeOffset end = (state.Outage?.Since ?? now) + patience;
        DateTimeOffset wakeAt = now + wait < end ? now + wait : end;
        return new StepResult.ModelsDown(
            string.Create(CultureInfo.InvariantCulture, $"{Why()}; asked again at {wakeAt:yyyy-MM-ddTHH:mm:ssZ}"), wakeAt);
    }

    /// <summary>Ends the run: nothing of the route can be asked, now or soon.</summary>
    public StepResult.End Fail()
    {
        bool isRefused = _refused > 0 && _refused == _why.Count;
        string remedy = isRefused ? "Mend the key or the account, or add a fallback." : "Try again later, or add a fallback.";
        string waited = state.Outage is null
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture, $" The run waited as long as its patience (ModelPatience) of {patience:g} lets it.");
        return new StepResult.End(
            Decide.Fail(state, isRefused ? Reasons.ModelAuthentication : Reasons.ModelUnavailable,
                $"No model of the route answers: {Why()}.{waited} {remedy}"));
    }

    private TimeSpan BackOff
    {
        get
        {
            TimeSpan backOff = s_first * Math.Pow(2, Math.Min(state.Outage?.Waits ?? 0, 10));
            return backOff < s_longest ? backOff : s_longest;
        }
    }

    private string Why() => string.Join("; ", _why);
}
