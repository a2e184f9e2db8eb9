namespace Steward.Engine;

/// <summary>Cuts a call off when no more than a fifth is left of its run's lease and no renewal comes through.</summary>
/// <remarks>
/// For calls that the next worker makes again when the tool's probe finds no effect. That worker must not ask while this one's
/// call is still to have its effect. The last fifth is the time in which the call can end.
/// </remarks>
internal sealed class LeaseGuard : IDisposable
{
    private readonly RunSession _session;
    private readonly CancellationTokenSource _cut;
    private readonly ITimer _timer;

    public LeaseGuard(RunSession session, TimeProvider time)
    {
        _session = session;
        _cut = CancellationTokenSource.CreateLinkedTokenSource(session.Interrupted);
        _timer = time.CreateTimer(static guard => ((LeaseGuard)guard!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Look();
    }

    public CancellationToken Token => _cut.Token;

    public void Dispose()
    {
        _timer.Dispose();
        _cut.Dispose();
    }

    private void Look()
    {
        try
        {
            TimeSpan left = _session.EffectTimeLeft;
            if (left <= TimeSpan.Zero)
                _cut.Cancel();
            else
                _timer.Change(left, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // The call has just ended.
        }
    }
}
