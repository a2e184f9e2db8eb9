using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Steward.Orleans.Tests;

/// <summary>A silo in a process of its own.</summary>
internal sealed class SiloProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();

    private SiloProcess(Process process, int port) => (_process, Port) = (process, port);

    /// <summary>The port that the other silos know.</summary>
    public int Port { get; }

    /// <param name="schema">The database.</param>
    /// <param name="leaseSeconds">The lease.</param>
    /// <param name="proxy">What stands before its port.</param>
    /// <param name="missedProbes">How many answers it may owe before the others suspect it.</param>
    public static async Task<SiloProcess> StartAsync(ClusterSchema schema, double leaseSeconds, SiloProxy? proxy = null, int missedProbes = 3)
    {
        (int silo, int gateway) = Ports.Next();
        silo = proxy?.Port ?? silo;
        string[] arguments = [schema.ConnectionString, schema.Name, $"{silo}", $"{gateway}", leaseSeconds.ToString(CultureInfo.InvariantCulture), $"{proxy?.Target ?? silo}", $"{missedProbes}"];
        var process = new Process { StartInfo = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Steward.OrleansHost"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true } };
        var started = new SiloProcess(process, silo);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) => started.Hear(line.Data, ready);
        process.ErrorDataReceived += (_, line) => started.Hear(line.Data, ready);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await ready.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            return started;
        }
        catch (TimeoutException)
        {
            started.Dispose();
            throw new InvalidOperationException($"The silo was not ready. It said: {started.Output}");
        }
    }

    /// <summary>What it has said.</summary>
    public string Output => string.Join('\n', _output);

    public bool HasExited => _process.HasExited;

    public void Kill() => Send("KILL");

    public void Stop() => Send("STOP");

    public void Continue() => Send("CONT");

    /// <summary>Asks it to go, and waits until it has gone.</summary>
    public async Task<int> TerminateAsync()
    {
        Send("TERM");
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60));
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Hear(string? line, TaskCompletionSource ready)
    {
        if (line == "ready")
            ready.TrySetResult();
        else if (line is not null)
            _output.Enqueue(line);
    }

    private void Send(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }
}
