using System.Diagnostics;

namespace Steward.ClusterBench.Faults;

/// <summary>A network namespace with a link to this one, which can be unplugged.</summary>
internal sealed class NetworkNamespace : IDisposable
{
    /// <summary>This side's address on the link.</summary>
    public const string Host = "10.213.77.1";
    private const string Guest = "10.213.77.2";
    private readonly string _name = $"steward{Environment.ProcessId}";

    public NetworkNamespace()
    {
        Ip($"netns add {_name}");
        Ip($"link add {Outer} type veth peer name {Inner} netns {_name}");
        Ip($"addr add {Host}/24 dev {Outer}");
        Ip($"link set {Outer} up");
        Ip($"-n {_name} addr add {Guest}/24 dev {Inner}");
        Ip($"-n {_name} link set {Inner} up");
        Ip($"-n {_name} link set lo up");
    }

    private string Outer => $"so{Environment.ProcessId}";

    private string Inner => $"si{Environment.ProcessId}";

    /// <summary>Starts a program in the namespace.</summary>
    public ProcessStartInfo Wrap(ProcessStartInfo start) => new("ip", ["netns", "exec", _name, start.FileName, .. start.ArgumentList]);

    /// <summary>From now on nothing arrives on either side; nobody is told.</summary>
    public void Unplug() => Ip($"-n {_name} link set {Inner} down");

    public void Plug() => Ip($"-n {_name} link set {Inner} up");

    public void Dispose() => Ip($"netns del {_name}");

    private static void Ip(string arguments)
    {
        using Process ip = Process.Start("ip", arguments.Split(' '));
        ip.WaitForExit();
        if (ip.ExitCode != 0)
            throw new InvalidOperationException($"'ip {arguments}' ended with {ip.ExitCode}.");
    }
}
