using Steward.Journal;
using Steward.State;

namespace Steward.Engine;

/// <summary>Surrounds each call that leaves the process (a model's request, a tool's handler or probe). What happens inside nests under it:
/// ambient activities of HTTP clients and drivers, for example.</summary>
public interface IEffectScope
{
    /// <summary>Begins where the call begins, in its asynchronous flow; what is returned
    /// is disposed when the call has ended. Must return at once and not throw.</summary>
    /// <param name="state">The run's state, which holds the intent.</param>
    /// <param name="intent">The call's durable intent: <see cref="ModelStarted"/> or <see cref="ToolStarted"/>.</param>
    IDisposable? Begin(RunState state, RunEvent intent);
}
