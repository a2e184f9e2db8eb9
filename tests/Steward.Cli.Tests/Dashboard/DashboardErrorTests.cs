using System.Net.Sockets;
using System.Runtime.InteropServices;
using Steward.Cli.Dashboard;
using Steward.Cli.Tests.Commands;

namespace Steward.Cli.Tests.Dashboard;

/// <summary>What <c>steward traces</c> and <c>--traces</c> say where there is no dashboard to be had.</summary>
public sealed class DashboardErrorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("steward-dashboard-").FullName;

    [Theory]
    [InlineData("osx-arm64", false, Architecture.Arm64)]
    [InlineData("win-x64", false, Architecture.X64)]
    [InlineData("linux-arm64", true, Architecture.Arm64)]
    [InlineData("linux-musl-x64", true, Architecture.X64)]
    public void Platform_WithoutPackage_NamesItAndTheContainer(string identifier, bool isLinux, Architecture architecture)
    {
        string message = Assert.Throws<UsageException>(() => DashboardPlatform.Check(identifier, isLinux, architecture)).Message;

        Assert.Contains($"'{identifier}'", message, StringComparison.Ordinal);
        Assert.Contains("dotnet/aspire-dashboard", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Platform_LinuxX64_IsFine() => DashboardPlatform.Check("linux-x64", isLinux: true, Architecture.X64);

    [Theory]
    [InlineData("run", ".", "hi", "--traces")]
    [InlineData("chat", ".", "--traces")]
    [InlineData("work", ".", "--until-idle", "--traces")]
    [InlineData("serve", ".", "--listen", "127.0.0.1:0", "--traces")]
    public async Task Sender_NoDashboard_SaysHowToStartOne(params string[] args)
    {
        using var agent = new AgentFolder();

        CliResult result = await RunAsync(agent.Path, [], args);

        result.Is(ExitCodes.Usage);
        Assert.Contains("no dashboard runs. Start one in another terminal: steward traces", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Traces_PortTaken_NamesPortAndOption()
    {
        using TcpListener taken = DashboardRun.Listen(), free = DashboardRun.Listen();
        string port = DashboardRun.Port(taken), other = DashboardRun.Port(free);
        free.Stop();

        CliResult page = await RunAsync(_folder, [], "traces", "--port", port);
        CliResult otlp = await RunAsync(_folder, [], "traces", "--port", other, "--otlp-port", port);
        CliResult range = await RunAsync(_folder, [], "traces", "--port", "65535");

        page.Is(ExitCodes.Usage);
        Assert.Contains($"Port {port} is taken on 127.0.0.1. Give another one with --port.", page.Error, StringComparison.Ordinal);
        otlp.Is(ExitCodes.Usage);
        Assert.Contains($"Port {port} is taken on 127.0.0.1. Give another one with --otlp-port.", otlp.Error, StringComparison.Ordinal);
        range.Is(ExitCodes.Usage);
        Assert.Contains("--otlp-port is 65537", range.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("The command could not be loaded.\nNo .NET SDKs were found.", "fetched with the .NET 10 SDK, and there is none")]
    [InlineData("fetch.csproj : error NETSDK1045: The current .NET SDK does not support targeting .NET 10.0.", "and there is none")]
    [InlineData("/x/fetch.csproj : error NU3004: The package is not signed. [/x/fetch.csproj]", "was not fetched")]
    public void Restore_Failed_SaysWhatIsMissing(string said, string message)
    {
        string explained = DashboardPackage.Explain(said);

        Assert.Contains(message, explained, StringComparison.Ordinal);
        Assert.DoesNotContain("fetch.csproj", explained, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Traces_SourcesWithoutThePackage_SaysWhichPackage()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "empty"));

        CliResult result = await FetchAsync(Source(Path.Combine(_folder, "empty")));

        Assert.Contains(
            $"None of your NuGet sources has {DashboardPackage.Name} {DashboardPackage.Version}", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("fetch.csproj", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Traces_NoNetwork_SaysThatASourceDidNotAnswer()
    {
        using TcpListener gone = DashboardRun.Listen();
        string port = DashboardRun.Port(gone);
        gone.Stop();

        CliResult result = await FetchAsync(Source($"http://127.0.0.1:{port}/index.json"));

        Assert.Contains("a NuGet source did not answer", result.Error, StringComparison.Ordinal);
        Assert.Contains(port, result.Error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The variables of a user whose only NuGet source is this one.</summary>
    private Dictionary<string, string> Source(string source)
    {
        string config = Directory.CreateDirectory(Path.Combine(_folder, ".nuget", "NuGet")).FullName;
        File.WriteAllText(
            Path.Combine(config, "NuGet.Config"),
            $"""<configuration><packageSources><clear /><add key="only" value="{source}" allowInsecureConnections="true" /></packageSources></configuration>""");
        return new() { ["HOME"] = _folder };
    }

    /// <summary>A fetch that fails, and leaves nothing half done.</summary>
    private async Task<CliResult> FetchAsync(Dictionary<string, string> variables)
    {
        using TcpListener page = DashboardRun.Listen(), otlp = DashboardRun.Listen();
        string[] args = ["traces", "--port", DashboardRun.Port(page), "--otlp-port", DashboardRun.Port(otlp)];
        page.Stop();
        otlp.Stop();
        CliResult result = await RunAsync(_folder, variables, args);
        result.Is(ExitCodes.Usage);
        string cache = Path.Combine(_folder, "cache");
        Assert.True(!Directory.Exists(cache) || !Directory.EnumerateFileSystemEntries(cache).Any(), "The fetch left something.");
        return result;
    }

    private async Task<CliResult> RunAsync(string folder, Dictionary<string, string> variables, params string[] args)
    {
        variables[DashboardCache.Variable] = Path.Combine(_folder, "cache");
        using CliProcess process = CliProcess.Start(folder, variables, args);
        return await process.EndAsync();
    }
}
