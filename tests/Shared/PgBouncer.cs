using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Npgsql;

namespace Steward.Tests.Shared;

/// <summary>A real PgBouncer in transaction mode before a server, reachable by a socket in its folder: many clients share few sessions.</summary>
internal sealed class PgBouncer : IDisposable
{
    private const int Port = 6432;
    private static readonly Lazy<PgBouncer> s_shared = new(() =>
    {
        var pooler = new PgBouncer(PostgresServer.Shared, sessions: 6);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => pooler.Dispose();
        return pooler;
    });

    private readonly string _folder = PostgresServer.MakeFolder("steward-pgb-");
    private int _disposed;

    /// <param name="server">The server before which it stands.</param>
    /// <param name="sessions">Most sessions on the server.</param>
    public PgBouncer(PostgresServer server, int sessions)
    {
        // What the settings do not allow (a startup parameter, a client that was forgotten) fails; a server that is gone is asked for again at once.
        File.WriteAllText(Path.Combine(_folder, "pgbouncer.ini"), $"""
            [databases]
            * = host={new NpgsqlConnectionStringBuilder(server.ConnectionString).Host} user=postgres
            [pgbouncer]
            pool_mode = transaction
            default_pool_size = {sessions}
            unix_socket_dir = {_folder}
            listen_port = {Port}
            auth_type = any
            max_client_conn = 200
            server_login_retry = 1
            logfile = {_folder}/log
            pidfile = {_folder}/pid
            """);
        Start();
    }

    private string PidFile => Path.Combine(_folder, "pid");

    public static PgBouncer Shared => s_shared.Value;

    public string ConnectionString => $"Host={_folder};Port={Port};Username=postgres;Database=postgres;Maximum Pool Size=10";

    public static string? Find() => ((string[])["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"]).FirstOrDefault(File.Exists);

    /// <summary>It dies with all that it holds, and a new one comes.</summary>
    public void Crash()
    {
        Kill();
        Start();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        Kill();
        Directory.Delete(_folder, recursive: true);
    }

    // It goes into the background by itself, and says its id and listens a little later.
    private void Start()
    {
        File.Delete(PidFile);
        PostgresServer.RunAsServer(Find()!, "-d", Path.Combine(_folder, "pgbouncer.ini"));
        for (int i = 0; !Listens(); i++)
        {
            if (i == 2_000)
                throw new InvalidOperationException($"PgBouncer did not start: {File.ReadAllText(Path.Combine(_folder, "log"))}");
            Thread.Sleep(5);
        }
    }

    private bool Listens()
    {
        if (!File.Exists(PidFile) || new FileInfo(PidFile).Length == 0)
            return false;
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(Path.Combine(_folder, $".s.PGSQL.{Port}")));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Kill()
    {
        try
        {
            using Process process = Process.GetProcessById(int.Parse(File.ReadAllText(PidFile), CultureInfo.InvariantCulture));
            process.Kill();
            process.WaitForExit();
        }
        catch (Exception e) when (e is ArgumentException or IOException)
        {
            Console.Error.WriteLine(e.Message); // It is gone already.
        }
    }
}
