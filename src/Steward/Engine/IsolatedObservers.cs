using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Tells every observer, whatever the others do. The first failure
/// of each observer type is logged; no failure reaches the run.</summary>
internal sealed class IsolatedObservers(IReadOnlyList<IRunObserver> observers, ILogger logger) : IRunObserver
{
    private readonly ConcurrentDictionary<Type, bool> _failed = new();

    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
        foreach (IRunObserver observer in observers)
        {
            try
            {
                observer.Committed(state, entries);
            }
            catch (Exception e)
            {
                Failed(observer, state.Run, e);
            }
        }
    }

    public void Delta(RunId run, int turn, int attempt, string text)
    {
        foreach (IRunObserver observer in observers)
        {
            try
            {
                observer.Delta(run, turn, attempt, text);
            }
            catch (Exception e)
            {
                Failed(observer, run, e);
            }
        }
    }

    public void Alerted(RunState state, BudgetAlert alert)
    {
        foreach (IRunObserver observer in observers)
        {
            try
            {
                observer.Alerted(state, alert);
            }
            catch (Exception e)
            {
                Failed(observer, state.Run, e);
            }
        }
    }

    private void Failed(IRunObserver observer, RunId run, Exception exception)
    {
        if (_failed.TryAdd(observer.GetType(), true))
            Log.ObserverThrew(logger, run, observer.GetType().Name, exception);
    }
}
