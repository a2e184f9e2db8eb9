using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Faults;

/// <summary>A run whose one unsafe tool keeps a ledger, for the named faults of the durability reference. The model is scripted.</summary>
internal sealed class FaultCase
{
    public FaultCase(bool approval = false, bool probe = true, Func<ToolContext, CancellationToken, Task>? body = null, AgentLimits? limits = null, params ChatResponse[] turns)
    {
        Tool = new ToolDefinition("send", "Sends.", JsonElement.Parse("""{"type":"object"}"""), async (context, _, cancellationToken) =>
        {
            if (body is not null)
                await body(context, cancellationToken);
            Ledger.Add(context.IdempotencyKey);
            if (ThrowsAfter)
                throw new StoreException(StoreFailure.Io, "The process died here.");
            return new ToolOutput("sent");
        })
        {
            RequiresApproval = approval,
            Timeout = TimeSpan.FromSeconds(5),
            Probe = probe ? (context, _, _) => ValueTask.FromResult(Ledger.Contains(context.IdempotencyKey) ? ProbeResult.Happened("sent") : ProbeResult.DidNotHappen) : null,
        };
        Lab = new Lab(
            Script(turns.Length > 0 ? turns : [Calls_(("send", new { n = 1 })), Says("done")]),
            Harness.Agent(Tool).WithLimits(limits ?? new AgentLimits()).Build());
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public ToolDefinition Tool { get; }

    public Lab Lab { get; }

    public List<string> Ledger { get; } = [];

    public bool ThrowsAfter { get; set; }

    /// <summary>Works until a process dies at a commit; then its lease has run out.</summary>
    public async Task DieAsync(FaultMoment moment, Predicate<RunBatch> at)
    {
        try
        {
            await Lab.WorkAsync("dying", DyingStore.Of(Lab.Store, moment, at));
            Assert.Fail("The process did not come to the place where it should die.");
        }
        catch (StoreException)
        {
            Lab.Time.Advance(Lab.LeaseDuration);
        }
    }

    /// <summary>Works until nothing can be claimed.</summary>
    public async Task FinishAsync()
    {
        while (await Lab.WorkAsync("next") is not null)
            Lab.Time.Advance(TimeSpan.FromSeconds(1));
    }

    public async Task<RunState> CheckAsync(RunId run) => Invariants.Check(await Lab.JournalAsync(run));

    public async Task AssertSentOnceAsync(RunId run)
    {
        Assert.Equal("done", Assert.IsType<RunCompleted>((await CheckAsync(run)).Outcome).Output);
        Assert.Single(Ledger);
    }

    public async Task<DecisionResult> DecideAsync(RunId run, Answer answer, string id = "d1", string by = "ana", string? binding = null)
    {
        IReadOnlyList<QuestionInfo> all = await Lab.Store.QuestionsAsync(new QuestionQuery { Run = run, Status = null }, Token);
        return await Lab.Store.DecideAsync(new Decision { Id = id, Run = run, Question = all[^1].Id, Answer = answer, By = by, Binding = binding }, Token);
    }

    public static bool Holds<T>(RunBatch batch)
        where T : RunEvent => batch.Entries.Any(e => e.Event is T);
}
