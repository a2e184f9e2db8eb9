using Steward.ClusterBench.Scenarios;
using Steward.Tests.Shared;

namespace Steward.ClusterBench.Tests;

/// <summary>The quick half of the bench, or two of it by default, through its command: real servers, processes and sockets; scripted models.</summary>
public sealed class QuickTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Quick_EveryFault_EveryPromiseIsKept()
    {
        Requirement.Postgres();

        Scenario[] quick = [.. Catalogue.All.Where(s => s.IsQuick && (SuiteSize.IsFull || s.Name is "stolen-runs" or "locked-file"))];

        (int exit, string table, string log) = await BenchProcess.RunAsync([.. quick.Select(s => s.Name), "--parallel", "2"]);

        output.WriteLine(table);
        Assert.True(exit == 0, $"{table}{Environment.NewLine}{log}");
        string[] kept = [.. table.Split('\n').Where(line => line.TrimEnd().EndsWith("| kept |", StringComparison.Ordinal)).Select(line => line.Split('`')[1])];
        Assert.Equal(quick.Select(s => s.Name), kept);
    }

    /// <summary>A bench that cannot fail shows nothing: here its nodes are defective.</summary>
    [Theory]
    [InlineData("twice", "repeat: ")]
    [InlineData("idle", "result: ")]
    public async Task Nodes_Defective_TheBenchFailsAndNamesTheRule(string defect, string rule)
    {
        Requirement.Postgres();

        (int exit, string table, _) = await BenchProcess.RunAsync("wake-race", "--sabotage", defect);

        Assert.Equal(1, exit);
        Assert.Contains("**BROKEN**", table, StringComparison.Ordinal);
        Assert.Contains(rule, table, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("There is no scenario 'frieze'; 'list' names them.", "frieze")]
    [InlineData("'--seed x' is not understood.", "--seed", "x")]
    [InlineData("There is no defect 'none'; expected ", "--sabotage", "none")]
    public async Task Command_Wrong_SaysWhatAndEndsWith2(string expected, params string[] args)
    {
        (int exit, _, string log) = await BenchProcess.RunAsync(args);

        Assert.Equal(2, exit);
        Assert.Contains(expected, log, StringComparison.Ordinal);
    }

    [Fact]
    public void Catalogue_CoversEveryCode_ButForThoseThatHaveATestOnly()
    {
        string[] codes = [.. "SDN".SelectMany(letter => Enumerable.Range(1, 9).Select(n => $"{letter}{n}"))];

        // N3 parts nodes from each other: these nodes never talk to each other. Orleans' do: see ClusterTests.
        Assert.Equal(["N3"], codes.Except(Catalogue.All.SelectMany(s => s.Codes.Split(' '))));
        Assert.Equal(Catalogue.All.Count, Catalogue.All.DistinctBy(s => s.Name).Count());
    }
}
