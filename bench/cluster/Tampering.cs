using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterBench;

/// <summary>Changes to what was read of a scenario; each breaks one promise.</summary>
internal static class Tampering
{
    public static IReadOnlyDictionary<string, Func<Case, Case>> All { get; } = new Dictionary<string, Func<Case, Case>>
    {
        ["gap"] = c => WithEntries(c, c.Journal.Entries.Where(e => e != Middle(c))),
        ["edit"] = c => WithEntries(c, c.Journal.Entries.Select(e => e == Middle(c) ? e with { Payload = [.. e.Payload, (byte)' '] } : e)),
        ["epoch"] = c => c with { Nodes = [.. c.Nodes.Select((n, i) => i == c.Nodes.Count / 2 ? n with { Epoch = n.Epoch + 1 } : n)] },
        ["forget"] = c => c with { Nodes = [.. c.Nodes, c.Nodes[0] with { Sequence = 1_000_000, Kind = "acknowledged" }] },
        ["intent"] = c => c with { Ledger = [.. c.Ledger, Executed(c) with { Key = "0000" }] },
        ["early"] = c => c with { Ledger = [.. c.Ledger.Select(l => l == Executed(c) ? l with { At = 1 } : l)] },
        ["repeat"] = c => c with { Ledger = [.. c.Ledger, Executed(c)] },
        ["vanish"] = c => c with { Ledger = [.. c.Ledger.Where(l => l.Key != Executed(c).Key)] },
        ["lost"] = c => c with { Started = [.. c.Started, new StartedRun(Guid.Empty, "acme", "pay")] },
        ["stuck"] = c => c with { Journal = c.Journal with { Runs = [c.Journal.Runs[0] with { Status = "executing" }, .. c.Journal.Runs.Skip(1)] } },
        ["signal"] = c => c with { Signals = [.. c.Signals, new SentSignal(c.Journal.Runs[0].Run, "nobody")] },
        ["switch"] = c => c with { Switches = [.. c.Switches, new SwitchedOff("global", 0, long.MaxValue)] },
        ["breach"] = c => WithBudgets(c, b => b.Scope == "global" ? b with { Ceilings = b.Ceilings with { Usd = 0.0001m } } : b),
        ["count"] = c => WithBudgets(c, b => b.Scope == "global" ? b with { Spent = b.Spent with { Tools = b.Spent.Tools - 1 } } : b),
    };

    private static Entry Middle(Case c) => c.Journal.Entries.First(e => e.Run == c.Journal.Runs[0].Run && e.Sequence == 5);

    private static LedgerLine Executed(Case c) => c.Executions.First(l => l.Effect == "unsafe");

    private static Case WithEntries(Case c, IEnumerable<Entry> entries) => c with { Journal = c.Journal with { Entries = [.. entries] } };

    private static Case WithBudgets(Case c, Func<BudgetRow, BudgetRow> change) => c with { Journal = c.Journal with { Budgets = [.. c.Journal.Budgets.Select(change)] } };
}
