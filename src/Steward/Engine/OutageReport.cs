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

    /// <summary>Waits as long as the first of them asks for; otherwise longer from time to time.</summary>
    public StepResult.ModelsDown Wait()
    {
        TimeSpan backOff = s_first * Math.Pow(2, Math.Min(state.Outage?.Waits ?? 0, 10));
        TimeSpan wait = _soonest ?? (backOff < s_longest ? backOff : s_longest);
        DateTimeOffset end = (state.Outage?.Since ?? now) + patience;
        DateTimeOffset wakeAt = now + wait < end ? now + wait : end;
        return new StepResult.ModelsDown(
            string.Create(CultureInfo.InvariantCulture, $"{Why()}; asked again at {wakeAt:yyyy-MM-ddTHH:mm:ssZ}"), wakeAt);
    }

    public StepResult.End Fail()
    {
        string waited = state.Outage is null
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture, $" The run waited as long as its patience (ModelPatience) of {patience:g} lets it.");
        return new StepResult.End(
            Decide.Fail(state, Reasons.ModelUnavailable,
                $"No model of the route answers: {Why()}.{waited} Try again later, or add a fallback."));
    }

    private string Why() => string.Join("; ", _why);
}
