using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

[assembly: AssemblyFixture(typeof(Steward.Cli.Tests.Commands.CliHosts))]

namespace Steward.Cli.Tests.Commands;

/// <summary>Ends the hosts with the last test.</summary>
public sealed class CliHosts : IDisposable
{
    public void Dispose() => CliHost.EndAll();
}

/// <summary>A process that runs commands of the program one after the other: for commands that a test only waits for.</summary>
/// <remarks>
/// What a test signals, kills, types into or gives variables runs in a process of its own (<see cref="CliProcess"/>). A host that is idle
/// takes the next command; it ends when its input does, with the tests' process.
/// </remarks>
internal sealed class CliHost
{
    private static readonly ConcurrentBag<CliHost> s_idle = [];
    private readonly Process _process;

    private CliHost(Process process) => _process = process;

    public static async Task<CliResult> RunAsync(string folder, params string[] args)
    {
        CliHost host = s_idle.TryTake(out CliHost? idle) ? idle : Start();
        // A command that fails the test leaves its host in an unknown state: only one that answered goes back.
        CliResult result = await host.AskAsync(folder, args);
        s_idle.Add(host);
        return result;
    }

    public static void EndAll()
    {
        while (s_idle.TryTake(out CliHost? host))
        {
            host._process.StandardInput.Close();
            host._process.WaitForExit();
            host._process.Dispose();
        }
    }

    private static CliHost Start()
    {
        string program = CliProcess.Program.Replace("Steward.Cli", "Steward.CliHost", StringComparison.Ordinal);
        ProcessStartInfo start = CliProcess.Piped(program, Path.GetTempPath());
        start.RedirectStandardError = false;
        return new CliHost(Process.Start(start)!);
    }

    private async Task<CliResult> AskAsync(string folder, string[] args)
    {
        await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(new { folder, args }));
        await _process.StandardInput.FlushAsync();
        string command = string.Join(' ', args);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(CliProcess.Patience);
        string? line = null;
        try
        {
            line = await _process.StandardOutput.ReadLineAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            Assert.Fail($"'{command}' did not end.");
        }

        Assert.True(line is not null, $"The process ended in the middle of '{command}'.");
        JsonElement answer = JsonElement.Parse(line);
        return new CliResult(answer.GetProperty("code").GetInt32(), answer.GetProperty("output").GetString()!, answer.GetProperty("error").GetString()!);
    }
}
