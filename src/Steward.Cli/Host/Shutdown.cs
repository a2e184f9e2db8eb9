using System.Runtime.InteropServices;

namespace Steward.Cli.Host;

/// <summary>The first Ctrl-C or SIGTERM asks to stop in order; the second one leaves at once.</summary>
internal sealed class Shutdown : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _count;

    public Shutdown()
    {
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT])
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
    }

    /// <summary>Cancelled with the first signal.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Takes a Ctrl-C for something smaller than the process, if it returns true.</summary>
    public Func<bool>? Interrupting { get; set; }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _stopping.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (context.Signal == PosixSignal.SIGINT && Interrupting?.Invoke() == true)
            return;
        if (Interlocked.Increment(ref _count) > 1)
            Environment.Exit(ExitCodes.Interrupted);
        // Not on the signal's thread: whatever hangs on the token must not keep the second signal from being heard.
        _ = Task.Run(_stopping.Cancel);
    }
}
