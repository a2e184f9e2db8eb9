using System.Text;
using Steward.Agents;
using Steward.Client;
using Steward.Diagnostics;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Scenarios;

/// <summary>What a full check notices beyond the chain: rows that are not what their journals say, and chains that were built anew.</summary>
public abstract class IntegrityScenarios
{
    private static readonly byte[] s_key = Encoding.ASCII.GetBytes("a key of 16 bytes or more");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Edits by somebody who writes into the database, and what each finding names.</summary>
    public static TheoryData<string, string> Edits => new()
    {
        { "UPDATE steward.run SET tenant = 'evil' WHERE status = 'completed'", "The tenant of run" },
        { "UPDATE steward.run SET session = 'other' WHERE status = 'completed'", "The session of run" },
        { "UPDATE steward.run SET agent = 'other' WHERE status = 'completed'", "The agent of run" },
        { "UPDATE steward.run SET version = '0' WHERE status = 'completed'", "The agent version of run" },
        { "UPDATE steward.run SET status = 'failed' WHERE status = 'completed'", "The status of run" },
        { "UPDATE steward.run SET labels = NULL WHERE status = 'completed'", "The labels of run" },
        { "DELETE FROM steward.question", "there is no row of that question" },
        { "UPDATE steward.question SET status = 'decided'", "The open questions of run" },
        { "UPDATE steward.budget SET spent_tokens = spent_tokens - 1 WHERE scope LIKE 'run:%' AND spent_tokens = 100", "The spending of run" },
        { "UPDATE steward.budget SET reserved_tokens = 7 WHERE scope LIKE 'run:%' AND spent_tokens = 100", "The reservations of run" },
    };

    /// <summary>Opens the store; closed and opened again it has what it had.</summary>
    protected abstract Task<IStewardStore> OpenAsync();

    /// <summary>Writes into the database past the store, which is closed; and what of it lies beside the database is gone.</summary>
    protected abstract Task EditAsync(string sql);

    /// <summary>Bytes as the database writes them.</summary>
    protected abstract string Literal(ReadOnlyMemory<byte> bytes);

    /// <summary>A run's id as the database writes it.</summary>
    protected abstract string Literal(RunId run);

    [Fact]
    public async Task Rows_OfRealRuns_AreWhatTheirJournalsSay()
    {
        await using IStewardStore store = await OpenAsync();
        await RunAsync(store);
        Assert.Empty(await AuditAsync(store));
    }

    [Theory]
    [MemberData(nameof(Edits))]
    public async Task Row_Edited_IsAFindingThatTheChainDoesNotHave(string edit, string finding)
    {
        await using (IStewardStore store = await OpenAsync())
            await RunAsync(store);
        await EditAsync(edit);

        await using IStewardStore again = await OpenAsync();
        Assert.Empty(await again.GetService<IVerifiableStore>()!.VerifyAsync(cancellationToken: Token));
        Assert.Contains(finding, Assert.Single(await AuditAsync(again)).Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Chain_BuiltAnew_IsNoticedByTheAnchorAlone(bool isSealed)
    {
        ReadOnlyMemory<byte> key = isSealed ? s_key : default;
        RunId run;
        using var anchor = new MemoryStream();
        List<JournalEntry> journal = [];
        await using (IStewardStore store = await OpenAsync())
        {
            run = await RunAsync(store);
            Assert.Equal(2, await JournalAnchor.WriteAsync(store, anchor, key, DateTimeOffset.UnixEpoch, Token));
            Assert.Empty(await CheckAsync(store, anchor, key));
            await foreach (JournalEntry entry in store.ReadAsync(run, 0, Token))
                journal.Add(entry);
        }

        await RebuildAsync(run, journal);
        await using IStewardStore again = await OpenAsync();
        Assert.Empty(await again.GetService<IVerifiableStore>()!.VerifyAsync(cancellationToken: Token));
        Assert.Empty(await AuditAsync(again));
        StoreProblem found = Assert.Single(await CheckAsync(again, anchor, key));
        Assert.Equal((run, (long)journal.Count), (found.Run, found.Sequence));
    }

    [Fact]
    public async Task Anchor_RunsThatWentOn_StillHold_AndRemovedOnesAreNamed()
    {
        using var anchor = new MemoryStream();
        await using (IStewardStore store = await OpenAsync())
        {
            await RunAsync(store);
            await store.EngageAsync(new KillSwitch("agent:other", "ana", null, DateTimeOffset.UnixEpoch), Token);
            await JournalAnchor.WriteAsync(store, anchor, default, DateTimeOffset.UnixEpoch, Token);
            await RunAsync(store);
            Assert.Empty(await CheckAsync(store, anchor, default));
            await store.ReleaseAsync("agent:other", Token);
            Assert.Contains("'agent:other'", Assert.Single(await CheckAsync(store, anchor, default)).Description, StringComparison.Ordinal);
        }

        await EditAsync("DELETE FROM steward.feedback");
        await EditAsync("DELETE FROM steward.run WHERE status = 'completed'");
        await using IStewardStore again = await OpenAsync();
        Assert.Contains(await CheckAsync(again, anchor, default), p => p.Description.StartsWith("1 of the anchor's runs", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Anchor_EditedCutOrOfAnotherKey_IsRefused()
    {
        await using IStewardStore store = await OpenAsync();
        RunId run = await RunAsync(store);
        using var anchor = new MemoryStream();
        await JournalAnchor.WriteAsync(store, anchor, s_key, DateTimeOffset.UnixEpoch, Token);
        string text = Encoding.UTF8.GetString(anchor.ToArray());
        string[] lines = text.TrimEnd('\n').Split('\n');
        string other = text.Replace(run.ToString(), new string('0', 32), StringComparison.Ordinal);
        foreach (string wrong in (string[])["", "{", "{}\n", other, string.Join('\n', lines[..^1]), string.Join('\n', lines.Where(l => !l.Contains("\"run\"", StringComparison.Ordinal))), text + text])
        {
            using var file = new MemoryStream(Encoding.UTF8.GetBytes(wrong));
            Assert.Null(Assert.Single(await JournalAnchor.CheckAsync(store, file, s_key, Token)).Run);
        }

        Assert.Contains("seal", Assert.Single(await CheckAsync(store, anchor, Encoding.ASCII.GetBytes("another key of 16 bytes"))).Description, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StewardException>(() => JournalAnchor.WriteAsync(store, anchor, new byte[3], DateTimeOffset.UnixEpoch, Token));
    }

    /// <summary>A run that has ended and one that waits for approval.</summary>
    /// <returns>The one that has ended.</returns>
    private static async Task<RunId> RunAsync(IStewardStore store)
    {
        var model = new FunctionModel((messages, _) => messages[^1].Text == "pay" ? Calls_(("pay", new { })) : Says("done", input: 90));
        AgentDefinition agent = Harness.Agent(Harness.Tool("pay", _ => "paid"))
            .AddApprovals(new ApprovalPolicy { Name = "payments", Tools = ["pay"], Roles = ["finance"] })
            .Build();
        await using var harness = new Harness(store, model, agent);
        var labels = new Dictionary<string, string> { ["team"] = "red" };
        RunResult ended = await harness.RunAsync("", new RunRequest("go") { Tenant = "acme", Session = "s", User = "ana", Labels = labels });
        RunHandle asking = await harness.Client.StartAsync("tester", new RunRequest("pay") { Tenant = "acme" }, Token);
        Assert.Equal(Reasons.Approval, (await asking.WaitUntilSettledAsync(Token)).Reason);
        return ended.Run;
    }

    private static async Task<List<StoreProblem>> AuditAsync(IStewardStore store)
    {
        List<StoreProblem> problems = [];
        await foreach (RunHead head in store.GetService<IVerifiableStore>()!.HeadsAsync(Token))
            problems.AddRange(await RowAudit.CheckAsync(store, head.Run, Token));
        return problems;
    }

    private static async Task<IReadOnlyList<StoreProblem>> CheckAsync(IStewardStore store, MemoryStream anchor, ReadOnlyMemory<byte> key)
    {
        anchor.Position = 0;
        return await JournalAnchor.CheckAsync(store, anchor, key, Token);
    }

    /// <summary>Changes the answer, and every hash behind it.</summary>
    private async Task RebuildAsync(RunId run, List<JournalEntry> journal)
    {
        ReadOnlyMemory<byte> previous = JournalEntry.Origin;
        foreach (JournalEntry old in journal)
        {
            RunEvent changed = old.Event is RunCompleted completed ? completed with { Output = "something else" } : old.Event;
            JournalEntry entry = JournalEntry.Create(run, old.Sequence, previous, changed, old.Time);
            previous = entry.Hash;
            await EditAsync(
                $"UPDATE steward.event SET payload = {Literal(entry.Payload)}, payload_hash = {Literal(entry.PayloadHash)}, hash = {Literal(entry.Hash)} "
                + $"WHERE seq = {entry.Sequence} AND run = (SELECT id FROM steward.run WHERE uuid = {Literal(run)})");
        }

        await EditAsync($"UPDATE steward.run SET head_hash = {Literal(previous)} WHERE uuid = {Literal(run)}");
    }
}
