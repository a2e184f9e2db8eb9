// Plays faults on a cluster of node processes under load, and has an independent checker say whether every promise was kept.
using System.Globalization;
using Steward.ClusterBench;
using Steward.ClusterBench.Ledger;
using Steward.ClusterBench.Node;
using Steward.ClusterBench.Scenarios;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

// The processes of a scenario are this program, started again.
if (args is ["ledger", var path, var port, var callTime])
    return await LedgerServer.RunAsync(path, int.Parse(port), TimeSpan.FromMilliseconds(double.Parse(callTime)));
if (args is ["node", var options])
    return await NodeHost.RunAsync(NodeOptions.Parse(options));

if (!Arguments.TryParse(args, out Arguments asked, out string error))
{
    Console.Error.WriteLine(error);
    return 2;
}

if (asked.IsList)
{
    Report.PrintList(Console.Out);
    return 0;
}

return await Bench.RunAsync(asked);
