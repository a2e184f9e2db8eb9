using System.Diagnostics;

namespace Steward.ClusterBench.Bed;

/// <summary>This program, started again as another process: the tool server, or a node.</summary>
internal sealed class Child : IDisposable
{
    private const int MostPolls = 600;
    private readonly Process _process;
    private readonly string _name;
    private readonly string _errors;

    private Child(Process process, string name, string errors, string firstLine) => (_process, _name, _errors, FirstLine) = (process, name, errors, firstLine);

    public int Id => _process.Id;

    /// <summary>What it said when it was ready.</summary>
    public string FirstLine { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>What it wrote to its standard error.</summary>
    public string Errors => File.Exists(_errors) ? File.ReadAllText(_errors) : "";

    /// <param name="name">Its name, for messages.</param>
    /// <param name="errors">The file that takes its standard error.</param>
    /// <param name="args">The program's arguments.</param>
    /// <param name="wrap">Puts another program around it (strace, ip netns exec), or changes its environment.</param>
    public static async Task<Child> StartAsync(string name, string errors, IReadOnlyList<string> args, Func<ProcessStartInfo, ProcessStartInfo>? wrap = null)
    {
        // Through a shell, which opens the file: a reader needs no pipe that a frozen process could fill.
        string self = Path.Combine(AppContext.BaseDirectory, "Steward.ClusterBench");
        ProcessStartInfo start = new("/bin/sh", ["-c", "err=$1; shift; exec \"$@\" 2>>\"$err\"", "sh", errors, self, .. args]);
        start = wrap?.Invoke(start) ?? start;
        start.RedirectStandardOutput = true;
        start.Environment["DOTNET_TieredPGO"] = "0";
        Process process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        string? line;
        try
        {
            line = await process.StandardOutput.ReadLineAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            line = null;
        }

        var child = new Child(process, name, errors, line ?? "");
        if (line is not null)
            return child;
        child.Kill();
        throw new InvalidOperationException($"'{name}' did not start: {child.Errors}");
    }

    public void Signal(int signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    public void Freeze() => Signal(19);

    public void Thaw() => Signal(18);

    public void Kill()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, and SIGKILL for one that does not hear it.</summary>
    public async Task StopAsync()
    {
        if (_process.HasExited)
            return;
        Signal(15);
        for (int i = 0; i < MostPolls && !_process.HasExited; i++)
            await Task.Delay(20);
        if (!_process.HasExited)
            await Console.Error.WriteLineAsync($"'{_name}' did not stop and is killed.");
        Kill();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }
}
