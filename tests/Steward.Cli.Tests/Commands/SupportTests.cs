namespace Steward.Cli.Tests.Commands;

/// <summary>The main job: the sample of the README, in a copy of its folder.</summary>
public sealed class SupportTests
{
    [Fact]
    public async Task Support_WelcomeMessage_IsSentAndProved()
    {
        using var folder = new AgentFolder();
        foreach (string file in Directory.GetFiles(Sample()))
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)), overwrite: true);
        CliResult result = await folder.RunAsync("run", ".", "find the customer with e-mail ana.pop@example.com and send them a welcome message", "--scripted");

        result.Is(ExitCodes.Ok);
        Assert.Contains("no real model speaks", result.Output, StringComparison.Ordinal);
        Assert.Contains("calls send_notification", result.Output, StringComparison.Ordinal);
        Assert.Contains("✓ stored_once", result.Output, StringComparison.Ordinal);
        Assert.Contains("2 tool calls", result.Output, StringComparison.Ordinal);
    }

    private static string Sample()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Steward.slnx")))
            at = at.Parent;
        return Path.Combine(at!.FullName, "samples", "support");
    }
}
