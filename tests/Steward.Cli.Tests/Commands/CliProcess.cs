using System.Diagnostics;
using System.Text;

namespace Steward.Cli.Tests.Commands;

/// <summary>The real program in a process of its own, with its output piped.</summary>
internal sealed class CliProcess : IDisposable
{
    public const int Interrupt = 2;
    public const int Terminate = 15;
    public const int Stop = 19;
    public const int Continue = 18;

    /// <summary>Generous: the machine that runs these may be busy.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly string[] s_hidden = ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "STEWARD_MODEL", "STEWARD_STORE", "STEWARD_API_KEYS", "STEWARD_DEBUG", "STEWARD_ALERT_WEBHOOK", "STEWARD_ALERT_WEBHOOK_SECRET", "NO_COLOR", "STEWARD_TELEMETRY", "STEWARD_DASHBOARD", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"];

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Task _reading;

    private CliProcess(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, _output), ReadAsync(process.StandardError, _error));
    }

    public static string Program { get; } = Find();

    public string Output => Text(_output);

    public string Error => Text(_error);

    public bool HasExited => _process.HasExited;

    public static CliProcess Start(string folder, params string[] args) => Start(folder, new Dictionary<string, string>(), args);

    public static CliProcess Start(string folder, IReadOnlyDictionary<string, string> variables, string[] args)
    {
        CliProcess process = Begin(folder, variables, args);
        process._process.StandardInput.Close();
        return process;
    }

    /// <summary>Starts a command whose standard input is piped and stays open.</summary>
    public static CliProcess Begin(string folder, params string[] args) => Begin(folder, new Dictionary<string, string>(), args);

    public static CliProcess Begin(string folder, IReadOnlyDictionary<string, string> variables, string[] args)
    {
        ProcessStartInfo start = Piped(Program, folder);
        foreach (string arg in args)
            start.ArgumentList.Add(arg);
        foreach ((string name, string value) in variables)
            start.Environment[name] = value;
        return new CliProcess(Process.Start(start)!);
    }

    /// <summary>How to start a program with its input and output piped, and without the variables that it listens to.</summary>
    public static ProcessStartInfo Piped(string program, string folder)
    {
        var start = new ProcessStartInfo("dotnet") { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add(program);
        foreach (string name in s_hidden)
            start.Environment.Remove(name);
        start.Environment["DOTNET_TieredPGO"] = "0";
        return start;
    }

    /// <summary>Types a line.</summary>
    public async Task TypeAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Ends the input.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Runs a command to its end, in a process of its own; <see cref="CliHost"/> does so without one.</summary>
    public static async Task<CliResult> RunAsync(string folder, params string[] args)
    {
        using CliProcess process = Start(folder, args);
        return await process.EndAsync();
    }

    public void Signal(int signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>SIGKILL: nothing in the process hears of it.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public async Task<CliResult> EndAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
            await _reading.WaitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"The process did not end.\nstdout: {Output}\nstderr: {Error}");
        }

        return new CliResult(_process.ExitCode, Output, Error);
    }

    /// <summary>Waits until the output holds a text.</summary>
    public async Task SeesAsync(string text)
    {
        await UntilAsync(() => Output.Contains(text, StringComparison.Ordinal) || _process.HasExited);
        Assert.True(Output.Contains(text, StringComparison.Ordinal), $"'{text}' never came.\nstdout: {Output}\nstderr: {Error}");
    }

    public static async Task UntilAsync(Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, "It never happened.");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static async Task ReadAsync(StreamReader reader, StringBuilder text)
    {
        char[] buffer = new char[4_096];
        while (await reader.ReadAsync(buffer) is > 0 and int count)
        {
            lock (text)
                text.Append(buffer, 0, count);
        }
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }

    private static string Find()
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(here.Parent!.Parent!.FullName, "Steward.Cli", here.Name, "Steward.Cli.dll");
    }
}

/// <summary>How a command ended, and what it said.</summary>
internal sealed record CliResult(int Code, string Output, string Error)
{
    public void Is(int code) => Assert.True(Code == code, $"Exit code {Code}, not {code}.\nstdout: {Output}\nstderr: {Error}");
}
