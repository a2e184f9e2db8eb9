using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Hears of every run on this worker: what was committed, and what
/// a model is saying meanwhile. Each method returns at once.</summary>
/// <remarks>Every method has an empty default. An observer that throws is logged once and never breaks a run; it goes on hearing.</remarks>
public interface IRunObserver
{
    /// <summary>Entries became durable; <paramref name="state"/> holds them.</summary>
    void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
    }

    /// <summary>A piece of an answer arrived. Provisional: a retried or lost attempt is superseded by what is committed.</summary>
    void Delta(RunId run, int turn, int attempt, string text)
    {
    }

    /// <summary>A soft threshold of a budget was crossed.</summary>
    void Alerted(RunState state, BudgetAlert alert)
    {
    }
}
