using Steward.ClusterBench.Bed;
using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Rules;

namespace Steward.ClusterBench.Tests;

/// <summary>Rules that depend on the order of things in time, on small made-up cases.</summary>
public sealed class RuleTests
{
    private static readonly Guid s_run = new("019cae6b-6600-743c-b0f7-d52fb4726ae1");
    private static readonly JournalEvidence s_empty = new() { Entries = [], Runs = [], Signals = [], Budgets = [] };

    [Theory]
    [InlineData("did_not_happen", "k", 15, true)]
    [InlineData("continue", "", 15, true)]
    [InlineData("did_not_happen", "k", 5, false)] // Said before anything had happened: it allowed the first.
    [InlineData("did_not_happen", "k", 25, false)]
    [InlineData("did_not_happen", "other", 15, false)]
    [InlineData("happened", "k", 15, false)]
    [InlineData("stop", "", 15, false)]
    public void Repeat_OfAnUnsafeCall_NeedsAWordSinceTheExecutionBefore(string answer, string key, long at, bool isAllowed)
    {
        Case found = new() { Journal = s_empty, Ledger = [Executed(10), Executed(20)], Words = [new PersonsWord(s_run, "q", key, answer, at)] };

        Assert.Equal(("k", 1, isAllowed ? 1 : 0), Assert.Single(EffectRule.Beyond(found)));
        Assert.Equal(isAllowed, !EffectRule.Check(found).Any(f => f.Rule == EffectRule.Repeat));
    }

    [Fact]
    public void Repeat_OfAReadOnlyCall_IsNone() =>
        Assert.Empty(EffectRule.Beyond(new Case { Journal = s_empty, Ledger = [Executed(10) with { Effect = "read_only" }, Executed(20) with { Effect = "read_only" }] }));

    /// <summary>A zombie's append with the right sequence, which nothing but its epoch gives away.</summary>
    [Theory]
    [InlineData(90, true)]
    [InlineData(110, false)]
    public void Append_UnderAnEpoch_MustNotCommitAfterALaterOneWasGiven(long claimedAt, bool isZombie)
    {
        Entry entry = new() { Run = s_run, Sequence = 1, Type = "run.claimed", Time = 0, Hash = [1], PayloadHash = [], Payload = """{"epoch":1}"""u8.ToArray(), Commit = 1, CommittedAt = 100 };
        RunRow row = new() { Run = s_run, Tenant = "t", Agent = "a", Status = "executing", Reason = "", Epoch = 2, Head = 1, HeadHash = [1] };
        Case found = new()
        {
            Journal = s_empty with { Entries = [entry], Runs = [row] },
            Nodes = [new NodeLine { Kind = "claimed", Node = "thief", Run = s_run, Epoch = 2, Sequence = 1, At = claimedAt }],
        };

        Assert.Equal(isZombie, EpochRule.Check(found).Any());
    }

    /// <summary>A call of unknown outcome is charged what it reserved; one that returned, what it cost; both on the day of the intent.</summary>
    [Fact]
    public void Budget_OfIntentsAndResults_IsWhatTheyAddUpTo()
    {
        string[] events =
        [
            """tool.started {"turn":1,"index":0,"reserved":{"tools":1,"usd":0.5}}""",
            """tool.started {"turn":1,"index":1,"reserved":{"tools":1,"usd":0.25}}""",
            """tool.returned {"turn":1,"index":0,"settled":{"tools":1,"usd":0.125}}""",
            """tool.resolved {"turn":1,"index":1,"outcome":"happened"}""",
        ];
        Reservations run = new();
        Change[] changes = [.. events.Select((e, i) => e.Split(' ', 2)).SelectMany((e, i) => run.Apply(new Entry
        {
            Run = s_run, Sequence = i + 1, Type = e[0], Time = 0, Hash = [], PayloadHash = [], Payload = System.Text.Encoding.UTF8.GetBytes(e[1]), Commit = i,
        }))];

        Assert.Equal(new Amount(0, 2, 0, 0.375m), changes.Aggregate(default(Amount), (sum, c) => sum + c.Spend));
        Assert.Equal(default, changes.Aggregate(default(Amount), (sum, c) => sum + c.Reserve - c.Release));
    }

    /// <summary>A node may die after its commit was written down and before it heard of it: that run is hit like the others, and no node will have acknowledged what is gone.</summary>
    [Fact]
    public void Harm_OfACommitOfWhichNobodyHeard_CountsItsRun()
    {
        byte[] hash = new byte[32];
        Guid heard = new("019cae6b-6600-743c-b0f7-d52fb4726ae2"), unheard = new("019cae6b-6600-743c-b0f7-d52fb4726ae3"), whole = new("019cae6b-6600-743c-b0f7-d52fb4726ae4");
        Entry Second(Guid run) => new() { Run = run, Sequence = 2, Type = "run.claimed", Time = 0, Hash = hash, PayloadHash = [], Payload = [], Commit = 1 };
        Case found = new()
        {
            Journal = s_empty with { Entries = [Second(whole)] },
            Nodes = [new NodeLine { Kind = "acknowledged", Node = "n", Run = heard, Epoch = 1, Sequence = 2, Hash = "00", At = 1 }],
        };

        Harm harm = Harm.Of(found, new[] { heard, unheard, whole }.ToDictionary(run => run, _ => (2L, new byte[16])), at: 1);

        Assert.Equal([heard, unheard], harm.Runs.Order());
        Assert.Equal([unheard], harm.Unheard);
    }

    private static LedgerLine Executed(long at) => new() { Kind = "call", Key = "k", Run = s_run, Tool = "send", Effect = "unsafe", Epoch = 1, At = at, Executed = true };
}
