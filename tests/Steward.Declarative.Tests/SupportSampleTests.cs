using Steward.Declarative.Sections;
using Steward.Client;
using Steward.Journal;

namespace Steward.Declarative.Tests;

public sealed class SupportSampleTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Support_MainJob_IsProvedAndStoredOnce(bool durable)
    {
        using AgentFolder folder = AgentFolder.Sample("support");
        AgentFile file = folder.Load();
        await using SampleRuntime runtime = await SampleRuntime.StartAsync(file, durable);
        RunResult result = await runtime.RunAsync(file.Example!);

        Assert.True(result.Status == RunStatus.Completed, $"{result.Reason}: {result.Message}");
        Assert.Equal(4, result.ProvedBy.Count);
        Assert.Contains("Ana Pop (ana.pop@example.com", result.Output, StringComparison.Ordinal);
        Assert.Equal(501, AgentLoaderTests.Count(folder, "notifications"));
        Assert.Equal(1, AgentLoaderTests.Count(folder, $"notifications n JOIN customers c ON c.id = n.customer_id WHERE n.run_id = '{result.Run}' AND c.email = 'ana.pop@example.com' AND n.subject = 'Welcome, Ana!'"));
        Assert.InRange(result.Spent.Usd, 0.001m, 0.1m);
        Assert.Equal(3, result.Spent.ModelCalls);
    }

    [Theory]
    [InlineData("Please welcome kathe.horvath2@example.net!", "Käthe")]
    [InlineData("Welcome LUKASZ.NOWAK5@EXAMPLE.NET, please.", "Łukasz")]
    [InlineData("Send a welcome message to customer 10013.", "Zoë")]
    public async Task Support_OtherCustomers_WorkThroughTheScript(string request, string name)
    {
        using AgentFolder folder = AgentFolder.Sample("support");
        await using SampleRuntime runtime = await SampleRuntime.StartAsync(folder.Load());
        RunResult result = await runtime.RunAsync(request);
        Assert.True(result.Status == RunStatus.Completed, $"{result.Reason}: {result.Message}");
        Assert.Equal(1, AgentLoaderTests.Count(folder, $"notifications WHERE run_id = '{result.Run}' AND subject = 'Welcome, {name}!'"));
    }

    [Theory]
    [InlineData("Welcome nobody@example.com, please.")]
    [InlineData("What is the weather like?")]
    public async Task Support_NothingToSend_FailsAndClaimsNothing(string request)
    {
        using AgentFolder folder = AgentFolder.Sample("support");
        await using SampleRuntime runtime = await SampleRuntime.StartAsync(folder.Load());
        RunResult result = await runtime.RunAsync(request);
        Assert.Equal((RunStatus.Failed, "validation_failed"), (result.Status, result.Reason));
        Assert.Contains("'send_notification' was called successfully 0 times", result.Message, StringComparison.Ordinal);
        Assert.Equal("Nothing was sent, because I found no customer to write to.", result.Output);
        Assert.Empty(result.ProvedBy);
        Assert.Equal(500, AgentLoaderTests.Count(folder, "notifications"));
    }

    [Fact]
    public async Task Support_Twice_IsTwoRunsWithOneRowEach()
    {
        using AgentFolder folder = AgentFolder.Sample("support");
        AgentFile file = folder.Load();
        await using SampleRuntime runtime = await SampleRuntime.StartAsync(file);
        RunResult[] results = await Task.WhenAll(runtime.RunAsync(file.Example!), runtime.RunAsync(file.Example!));
        Assert.NotEqual(results[0].Run, results[1].Run);
        Assert.All(results, r => Assert.Equal(RunStatus.Completed, r.Status));
        Assert.All(results, r => Assert.Equal(1, AgentLoaderTests.Count(folder, $"notifications WHERE run_id = '{r.Run}'")));
        Assert.Equal(502, AgentLoaderTests.Count(folder, "notifications"));
    }
}
