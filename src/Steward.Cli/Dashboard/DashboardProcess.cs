using System.Diagnostics;
using Steward.Storage;

namespace Steward.Cli.Dashboard;

/// <summary>A dashboard that runs as long as this process.</summary>
/// <remarks>
/// A shell stands between: it ends the dashboard when its standard input does, so not even SIGKILL of this process leaves one behind.
/// The dashboard gets few variables: none that could open it to others, and no keys of this shell.
/// </remarks>
internal sealed class DashboardProcess : IAsyncDisposable
{
    private const string Script = """
        exec 3<&0
        "$0" </dev/null 3<&- &
        program=$!
        trap 'kill $program 2>/dev/null' TERM INT HUP
        { read -r _ <&3; kill $program; } >/dev/null 2>&1 &
        watch=$!
        exec 3<&-
        code=0
        while kill -0 $program 2>/dev/null; do wait $program; code=$?; done
        kill $watch 2>/dev/null
        exit $code
        """;

    private const int MostLines = 20;
    private static readonly string[] s_variables =
        ["PATH", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "DOTNET_BUNDLE_EXTRACT_BASE_DIR"];
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_start = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_end = TimeSpan.FromSeconds(5);

    private readonly Process _shell;
    private readonly TimeProvider _time;
    private readonly Queue<string> _said = [];

    private DashboardProcess(Process shell, TimeProvider time)
    {
        _shell = shell;
        _time = time;
        shell.OutputDataReceived += (_, line) => Note(line.Data);
        shell.ErrorDataReceived += (_, line) => Note(line.Data);
        shell.BeginOutputReadLine();
        shell.BeginErrorReadLine();
    }

    public static DashboardProcess Start(DashboardCache cache, DashboardPorts ports, string token, string key, TimeProvider time)
    {
        PrivateFiles.CreateFolder(cache.Folder);
        var start = new ProcessStartInfo("/bin/sh", ["-c", Script, cache.Program])
        {
            WorkingDirectory = Path.GetDirectoryName(cache.Program)!,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Dictionary<string, string?> kept = s_variables.ToDictionary(name => name, Environment.GetEnvironmentVariable);
        start.Environment.Clear();
        foreach ((string name, string? value) in kept)
        {
            if (value is not null)
                start.Environment[name] = value;
        }

        foreach ((string name, string value) in Settings(cache, ports, token, key))
            start.Environment[name] = value;
        return new DashboardProcess(Process.Start(start)!, time);
    }

    /// <summary>Waits until it takes what is sent to it.</summary>
    /// <exception cref="UsageException">It ended, or does not answer within a minute.</exception>
    public async Task ReadyAsync(DashboardAddress address, CancellationToken cancellationToken)
    {
        long begin = _time.GetTimestamp();
        while (!await address.AnswersAsync(cancellationToken))
        {
            if (_shell.HasExited)
                throw new UsageException($"The dashboard did not start (exit code {_shell.ExitCode}). It said:\n{Said}");
            if (_time.GetElapsedTime(begin) > s_start)
                throw new UsageException($"The dashboard does not answer at {address.Endpoint} after {s_start.TotalSeconds} s. It said:\n{Said}");
            await Task.Delay(s_poll, _time, cancellationToken);
        }
    }

    /// <summary>Waits until it ends by itself.</summary>
    /// <returns>What it said last.</returns>
    public async Task<string> EndAsync(CancellationToken cancellationToken)
    {
        await _shell.WaitForExitAsync(cancellationToken);
        return $"exit code {_shell.ExitCode}. It said:\n{Said}";
    }

    public async ValueTask DisposeAsync()
    {
        _shell.StandardInput.Close();
        using var patience = new CancellationTokenSource(s_end, _time);
        try
        {
            await _shell.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _shell.Kill(entireProcessTree: true);
            await _shell.WaitForExitAsync(CancellationToken.None);
        }

        _shell.Dispose();
    }

    private string Said
    {
        get
        {
            lock (_said)
                return string.Join('\n', _said);
        }
    }

    private static Dictionary<string, string> Settings(DashboardCache cache, DashboardPorts ports, string token, string key) => new()
    {
        ["HOME"] = cache.Folder, // The key ring of its cookies lies there.
        ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{ports.Page}",
        ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = $"http://127.0.0.1:{ports.Otlp}",
        ["AllowedHosts"] = "127.0.0.1;localhost",
        ["Dashboard__Frontend__AuthMode"] = "BrowserToken",
        ["Dashboard__Frontend__BrowserToken"] = token,
        ["Dashboard__Otlp__AuthMode"] = "ApiKey",
        ["Dashboard__Otlp__PrimaryApiKey"] = key,
        ["Dashboard__Api__AuthMode"] = "ApiKey",
        ["Dashboard__Api__PrimaryApiKey"] = key,
        ["ASPIRE_DASHBOARD_TELEMETRY_OPTOUT"] = "true",
    };

    private void Note(string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;
        lock (_said)
        {
            _said.Enqueue(line.Trim());
            if (_said.Count > MostLines)
                _said.Dequeue();
        }
    }
}
