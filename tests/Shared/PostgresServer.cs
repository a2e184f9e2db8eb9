using System.Diagnostics;

namespace Steward.Tests.Shared;

/// <summary>A private PostgreSQL server of this process: its data in a temporary folder, reachable by a socket in it alone.</summary>
internal sealed class PostgresServer
{
    private static readonly Lazy<PostgresServer> s_shared = new(() => Start("-c fsync=off -c max_connections=400"));
    private readonly string _bin;
    private readonly string _folder;

    private readonly string _settings;
    private int _stopped;
    private bool _dead;

    private PostgresServer(string bin, string folder, string settings)
    {
        _bin = bin;
        _folder = folder;
        _settings = settings;
    }

    public static PostgresServer Shared => s_shared.Value;

    /// <summary>The folder in which it and its socket are.</summary>
    public string Folder => _folder;

    public string ConnectionString => $"Host={_folder};Username=postgres;Database=postgres;Maximum Pool Size=10";

    public static string? FindBin() =>
        Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(d => Path.Combine(d, "bin")).FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb")))
            : null;

    /// <summary>A server that a test may crash: it syncs what it commits.</summary>
    /// <param name="settings">Further settings, such as <c>-c track_commit_timestamp=on</c>.</param>
    public static PostgresServer StartOwn(string settings = "") => Start($"-c fsync=on {settings}");

    /// <summary>The server dies as in a power cut, and comes back.</summary>
    public void Crash()
    {
        RunServerProgram("pg_ctl", "-D", $"{_folder}/data", "-m", "immediate", "stop");
        StartServer();
    }

    /// <summary>The server dies as in a power cut, for good.</summary>
    public void Die()
    {
        RunServerProgram("pg_ctl", "-D", $"{_folder}/data", "-m", "immediate", "stop");
        _dead = true;
    }

    /// <summary>Another server that follows this one without being waited for: what it lacks when this one dies is lost.</summary>
    public PostgresServer StartStandby()
    {
        string folder = MakeFolder("steward-pg-");
        RunServerProgram("pg_basebackup", "-h", _folder, "-U", "postgres", "-D", $"{folder}/data", "-R", "-c", "fast", "--no-sync");
        var standby = new PostgresServer(_bin, folder, _settings);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => standby.Stop();
        standby.StartServer();
        return standby;
    }

    /// <summary>A connection string that names several servers, in this order; a failover is noticed within a second.</summary>
    public static string Hosts(params PostgresServer[] servers) =>
        $"Host={string.Join(',', servers.Select(s => s._folder))};Username=postgres;Database=postgres;Maximum Pool Size=10;Host Recheck Seconds=1;Timeout=5";

    /// <summary>A standby becomes the primary.</summary>
    public void Promote() => RunServerProgram("pg_ctl", "-D", $"{_folder}/data", "-w", "promote");

    private static PostgresServer Start(string settings)
    {
        string folder = MakeFolder("steward-pg-");
        var server = new PostgresServer(FindBin()!, folder, settings);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Stop();
        server.RunServerProgram("initdb", "-D", $"{folder}/data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C");
        server.StartServer();
        return server;
    }

    private void StartServer() =>
        RunServerProgram("pg_ctl", "-D", $"{_folder}/data", "-w", "-l", $"{_folder}/log", "-o", $"-c listen_addresses='' {_settings} -k {_folder}", "start");

    public void Stop()
    {
        if (Interlocked.Exchange(ref _stopped, 1) == 1)
            return;
        try
        {
            if (!_dead)
                RunServerProgram("pg_ctl", "-D", $"{_folder}/data", "-m", "immediate", "stop");
            Directory.Delete(_folder, recursive: true);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
        }
    }

    private void RunServerProgram(string name, params string[] arguments) => RunAsServer(Path.Combine(_bin, name), arguments);

    /// <summary>Runs a program as the user of servers: PostgreSQL and its poolers refuse to run as root.</summary>
    internal static void RunAsServer(string program, params string[] arguments)
    {
        if (Environment.UserName == "root")
            Run("runuser", ["-u", "postgres", "--", program, .. arguments]);
        else
            Run(program, arguments);
    }

    /// <summary>A folder that this user and the user of servers can write.</summary>
    internal static string MakeFolder(string prefix)
    {
        string folder = Directory.CreateTempSubdirectory(prefix).FullName;
        if (Environment.UserName == "root")
            Run("chown", "postgres", folder);
        return folder;
    }

    private static void Run(string program, params string[] arguments)
    {
        // The server inherits the output: nobody may wait for its end.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >/dev/null 2>&1 </dev/null", "sh", program, .. arguments]) { WorkingDirectory = "/" };
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"'{program} {string.Join(' ', arguments)}' ended with {process.ExitCode}.");
    }
}
