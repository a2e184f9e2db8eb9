using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.State;

public sealed class SnapshotTests
{
    private const int Turns = 400;

    [Fact]
    public async Task Load_FromASnapshot_IsTheStateOfTheWholeJournal()
    {
        (Lab lab, Claim claim) = await LongRunAsync();

        RunState state = await RunJournal.LoadAsync(lab.Store, claim);

        Assert.InRange(claim.Snapshot!.Sequence, Snapshots.Interval, state.Sequence - 1);
        Assert.Equal(Json(await lab.StateAsync(claim.Lease.Run)), Json(state));
    }

    [Fact]
    public async Task Load_SnapshotDeletedOrUnusable_LosesNothing()
    {
        (Lab lab, Claim claim) = await LongRunAsync();
        string whole = Json(await lab.StateAsync(claim.Lease.Run));
        RunSnapshot kept = claim.Snapshot!;
        byte[] garbled = kept.Data.ToArray();
        garbled[garbled.Length / 2] ^= 1;

        foreach (RunSnapshot? snapshot in (RunSnapshot?[])[null, kept with { Data = garbled }, kept with { Data = new byte[3] }, kept with { Version = -1 }, kept with { Sequence = kept.Sequence - 1 }, kept with { Sequence = 1_000_000 }])
            Assert.Equal(whole, Json(await RunJournal.LoadAsync(lab.Store, claim with { Snapshot = snapshot })));
    }

    [Fact]
    public async Task Load_SnapshotOfAnotherHistory_IsNotBelieved()
    {
        (Lab lab, Claim claim) = await LongRunAsync();
        (_, Claim other) = await LongRunAsync();

        RunState state = await RunJournal.LoadAsync(lab.Store, claim with { Snapshot = other.Snapshot });

        Assert.Equal(Json(await lab.StateAsync(claim.Lease.Run)), Json(state));
    }

    [Fact]
    public async Task Load_EntryBeforeTheSnapshotEdited_IsNoticed()
    {
        (Lab lab, Claim claim) = await LongRunAsync();
        List<JournalEntry> journal = await lab.JournalAsync(claim.Lease.Run);
        JournalEntry victim = journal[100];
        byte[] payload = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(victim.Payload.Span).Replace("{", "{ ", StringComparison.Ordinal));
        journal[100] = new JournalEntry(victim.Run, victim.Sequence, victim.Type, victim.Time, payload, victim.PayloadHash, victim.Hash);

        JournalException noticed = await Assert.ThrowsAsync<JournalException>(async () => await RunJournal.LoadAsync(Edited.Of(journal), claim));

        Assert.Equal(101, noticed.Sequence);
    }

    /// <summary>A state as text that holds all of it. Zeros at the end of a decimal are left out: the wire does not keep them.</summary>
    internal static string Json(RunState state) => Regex.Replace(
        Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(state, SnapshotJson.Default.RunState)), @"(?<=""usd"":\d+)(?:\.0+|(\.\d*?)0+)(?=[,}])", "$1");

    /// <summary>A run of more entries than a snapshot's interval that then waits; claimed again.</summary>
    private static async Task<(Lab Lab, Claim Claim)> LongRunAsync()
    {
        ToolDefinition look = Harness.Tool("look", arguments => $"seen {arguments.GetRawText()}");
        ToolDefinition ask = new("ask", "Needs a person.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) => ValueTask.FromResult(new ToolOutput("done"))) { RequiresApproval = true };
        var model = new FunctionModel((messages, _) =>
        {
            int turn = messages.Count(m => m.Role == Microsoft.Extensions.AI.ChatRole.Assistant);
            return turn < Turns ? Calls_(("look", new { n = turn })) : Calls_(("ask", new { }));
        });
        AgentDefinition agent = Harness.Agent(look, ask).WithLimits(new AgentLimits { Iterations = Turns + 10 }).Build();
        var lab = new Lab(model, agent);
        RunId run = await lab.StartAsync();
        while (await lab.WorkAsync() is not null)
            lab.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(RunStatus.Awaiting, (await lab.StateAsync(run)).Status);
        await lab.Store.SignalAsync(new Signal("s", run, new MessageSignal([new TextPart("Well?")])), TestContext.Current.CancellationToken);
        Claim? claim = await lab.Store.ClaimOneAsync(new ClaimRequest { Worker = "w", Duration = Lab.LeaseDuration }, TestContext.Current.CancellationToken);
        return (lab, Assert.IsType<Claim>(claim));
    }

    /// <summary>A store of which somebody edited a journal. Only reading is asked of it.</summary>
#pragma warning disable CA1852 // The proxy is a class derived from it.
    private class Edited : DispatchProxy
#pragma warning restore CA1852
    {
        private List<JournalEntry> _journal = [];

        public static IRunStore Of(List<JournalEntry> journal)
        {
            IRunStore store = Create<IRunStore, Edited>();
            ((Edited)(object)store)._journal = journal;
            return store;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod?.Name == nameof(IRunStore.ReadAsync)
            ? _journal.Where(e => e.Sequence > (long)args![1]!).ToAsyncEnumerable()
            : throw new NotSupportedException(targetMethod?.Name);
    }
}
