using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client;
using Steward.Hosting;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Drills;

/// <summary>What the drill found.</summary>
internal sealed record DrillFinding(string Name, bool Passed, string Text);

/// <summary>Proves the kill switch on a store: starts harmless runs, engages, looks, releases, looks again.</summary>
/// <remarks>
/// Two witnesses are compared: the journals, whose order is that of the commits, and the drill tool's own ledger. The proof is by order,
/// not by clock. Once engaging has returned, the heads of all journals are read; no intent may stand behind those until the release.
/// A call whose intent was committed before is in flight: it is interrupted, and counted as such.
/// </remarks>
internal sealed class KillDrill(IStewardStore store, Output output, TimeProvider time, int runs, bool global)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_hold = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);

    private readonly DrillAgent _agent = new(time);
    private readonly List<DrillFinding> _findings = [];
    private readonly List<RunId> _runs = [];

    private string Scope => global ? "global" : $"agent:{DrillAgent.Name}";

    private void Add(StewardBuilder steward) =>
        steward.AddAgent(_agent.Build()).AddModels(DrillAgent.Provider, (_, _) => new DrillModel(_agent));

    public async Task<IReadOnlyList<DrillFinding>> RunAsync(CancellationToken cancellationToken)
    {
        if ((await store.SwitchesAsync(cancellationToken)).FirstOrDefault(
            s => s.Scope is "global" or $"agent:{DrillAgent.Name}" or "tenant:steward-drill") is { } engaged)
            throw new UsageException(
                $"{engaged.Scope} is engaged already, by {engaged.By}: the drill could not run. Release it first with 'steward kill off {engaged.Scope}'.");
        await using AgentHost host = AgentHost.CreateWith(Add, store, output, time, configure: o =>
        {
            o.Prices.Add(DrillAgent.Price);
            o.MaxConcurrentRuns = runs;
            o.CancelGrace = s_grace;
            o.DrainGrace = TimeSpan.FromSeconds(1);
        }, least: LogLevel.Error);
        bool isEngaged = false;
        try
        {
            await StartAsync(host, cancellationToken);
            isEngaged = true;
            Dictionary<RunId, long> heads = await EngageAsync(cancellationToken);
            await StopsAsync(heads, cancellationToken);
            await store.ReleaseAsync(Scope, cancellationToken);
            isEngaged = false;
            await GoesOnAsync(cancellationToken);
            return _findings;
        }
        finally
        {
            // Whatever happened, nothing of the drill stays behind: neither its switch nor a run that has not ended.
            if (isEngaged)
                await store.ReleaseAsync(Scope, CancellationToken.None);
            await CancelRestAsync(host);
        }
    }

    private async Task StartAsync(AgentHost host, CancellationToken cancellationToken)
    {
        await host.StartWorkerAsync();
        for (int i = 0; i < runs; i++)
            _runs.Add(
                (await host.Client.StartAsync(DrillAgent.Name, new RunRequest("Tick.") { Tenant = DrillAgent.Name },
                    cancellationToken)).Id);
        HashSet<RunId> ticking = [];
        bool all = await UntilAsync(
            () =>
            {
                ticking = [.. _agent.Ledger.Select(t => t.Run)];
                return ValueTask.FromResult(ticking.Count == runs);
            },
            s_patience,
            cancellationToken);
        Find("runs in flight", all, $"{ticking.Count} of {runs} call their tool");
    }

    /// <returns>The heads of all journals under the switch, read after engaging has returned.</returns>
    private async Task<Dictionary<RunId, long>> EngageAsync(CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        await store.EngageAsync(
            new KillSwitch(Scope, "steward drill kill", "a drill: released within seconds", time.GetUtcNow()), cancellationToken);
        Find("switch engaged", true, $"{Scope}, in {Rendering.Show.Ms(time.GetElapsedTime(start).TotalMilliseconds)}");
        return (await CoveredAsync(cancellationToken)).ToDictionary(r => r.Run, r => r.Sequence);
    }

    private async Task StopsAsync(Dictionary<RunId, long> heads, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        int held = 0;
        bool stopped = await UntilAsync(
            async () =>
            {
                held = (await CoveredAsync(cancellationToken)).Count(r => r.Worker is not null);
                return held == 0;
            },
            s_grace * 2,
            cancellationToken);
        TimeSpan took = time.GetElapsedTime(start);
        Find(
            "all stopped",
            stopped && took <= s_grace,
            stopped ? $"in {Rendering.Show.Ms(took.TotalMilliseconds)}; the grace time is {s_grace.TotalSeconds:0} s" : $"{held} runs are still held after {took.TotalSeconds:0} s");

        int ticks = _agent.Ledger.Count;
        await Task.Delay(s_hold, time, cancellationToken);
        int late = 0;
        HashSet<string> before = [];
        foreach ((RunId run, long head) in heads)
            late += await IntentsBehindAsync(run, head, before, cancellationToken);
        Find(
            "no intent after the commit",
            late == 0,
            late == 0 ? $"in {Rendering.Show.Count(heads.Count, "journal")}" : $"{late} intents were committed under the switch");
        int unfounded = _agent.Ledger.Count(t => !before.Contains($"{t.Run}/{t.Key}"));
        Find(
            "no effect without such an intent",
            unfounded == 0,
            $"{Rendering.Show.Count(_agent.Ledger.Count, "effect")} so far, {unfounded} of them unfounded");
        Find(
            "silence while engaged",
            _agent.Ledger.Count == ticks,
            $"{_agent.Ledger.Count - ticks} effects within {s_hold.TotalSeconds:0} s");
    }

    private async Task<int> IntentsBehindAsync(RunId run, long head, HashSet<string> before, CancellationToken cancellationToken)
    {
        int late = 0;
        await foreach (JournalEntry entry in store.ReadAsync(run, 0, cancellationToken))
        {
            if (entry.Sequence > head && entry.Event is (ToolStarted or ModelStarted))
                late++;
            else if (entry.Event is ToolStarted started)
                before.Add($"{run}/{started.Key}");
        }

        return late;
    }

    private async Task GoesOnAsync(CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        int ticks = _agent.Ledger.Count;
        int alive = 0;
        bool again = await UntilAsync(
            () =>
            {
                alive = _agent.Ledger.Skip(ticks).Select(t => t.Run).Distinct().Count();
                return ValueTask.FromResult(alive == runs);
            },
            s_patience,
            cancellationToken);
        Find(
            "released, went on",
            again,
            $"{alive} of {runs} call their tool again after {Rendering.Show.Ms(time.GetElapsedTime(start).TotalMilliseconds)}");
        _agent.IsOver = true;
        IReadOnlyList<RunInfo> mine = [];
        bool ended = await UntilAsync(
            async () =>
            {
                mine = await MineAsync(cancellationToken);
                return mine.All(r => r.Status.IsTerminal());
            },
            s_patience,
            cancellationToken);
        int completed = mine.Count(r => r.Status == RunStatus.Completed);
        Find(
            "completed",
            ended && completed == runs,
            $"{completed} of {runs} in {Rendering.Show.Ms(time.GetElapsedTime(start).TotalMilliseconds)}");
        bool fenced = _agent.Ledger.GroupBy(t => t.Run).All(g => g.Zip(g.Skip(1)).All(p => p.First.Epoch <= p.Second.Epoch));
        int twice = _agent.Ledger.GroupBy(t => (t.Run, t.Key)).Count(g => g.Count() > 1);
        Find(
            "fenced",
            fenced,
            $"epochs never go back; {Rendering.Show.Count(_agent.Ledger.Count, "effect")}, {twice} made again with the same key");
    }

    private async Task<IReadOnlyList<RunInfo>> CoveredAsync(CancellationToken cancellationToken) => global
        ? [.. (await store.FindAsync(new RunQuery { Statuses = StatusRules.Living, Limit = 10_000 }, cancellationToken))]
        : await MineAsync(cancellationToken);

    private async Task<IReadOnlyList<RunInfo>> MineAsync(CancellationToken cancellationToken) =>
        [.. (await store.FindAsync(new RunQuery { Agent = DrillAgent.Name, Limit = 10_000 }, cancellationToken))
            .Where(r => _runs.Contains(r.Run))];

    private async Task CancelRestAsync(AgentHost host)
    {
        bool any = false;
        foreach (RunInfo run in await MineAsync(CancellationToken.None))
        {
            if (!run.Status.IsTerminal())
            {
                any = true;
                await host.Client.Get(run.Run).CancelAsync("steward drill kill", "the drill is over");
            }
        }

        if (any)
            await UntilAsync(
                async () => (await MineAsync(CancellationToken.None)).All(r => r.Status.IsTerminal()),
                s_grace,
                CancellationToken.None);
    }

    private async Task<bool> UntilAsync(Func<ValueTask<bool>> condition, TimeSpan patience, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        while (!await condition())
        {
            if (time.GetElapsedTime(start) > patience)
                return false;
            await Task.Delay(s_poll, time, cancellationToken);
        }

        return true;
    }

    private void Find(string name, bool passed, string text) => _findings.Add(new DrillFinding(name, passed, text));
}
