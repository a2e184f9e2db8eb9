using Steward.Journal;
using Steward.State;

namespace Steward.Engine;

/// <summary>Several scopes around one call: begun in order, ended the other way round.</summary>
internal sealed class EffectScopes(IReadOnlyList<IEffectScope> scopes) : IEffectScope
{
    /// <summary>The scopes as one; null for none.</summary>
    public static IEffectScope? Of(IReadOnlyList<IEffectScope> scopes) => scopes switch
    {
        [] => null,
        [IEffectScope only] => only,
        _ => new EffectScopes(scopes),
    };

    public IDisposable? Begin(RunState state, RunEvent intent)
    {
        var begun = new Stack<IDisposable>(scopes.Count);
        foreach (IEffectScope scope in scopes)
        {
            if (scope.Begin(state, intent) is { } inner)
                begun.Push(inner);
        }

        return begun.Count == 0 ? null : new Begun(begun);
    }

    private sealed class Begun(Stack<IDisposable> begun) : IDisposable
    {
        public void Dispose()
        {
            while (begun.TryPop(out IDisposable? inner))
                inner.Dispose();
        }
    }
}
