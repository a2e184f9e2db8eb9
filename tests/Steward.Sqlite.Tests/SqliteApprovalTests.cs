using Steward.Agents;
using Steward.Journal;
using Steward.Storage;
using Steward.Testing;
using Steward.Tests.Scenarios;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;
using static Steward.Tests.Support.Payments;

namespace Steward.Sqlite.Tests;

public sealed class SqliteApprovalRaceTests(ITestOutputHelper output) : ApprovalRaceTests(output), IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override async Task<IStewardStore> OpenAsync(TimeProvider time) => await _folder.OpenAsync(time: time);

    protected override async Task<IStewardStore> ReopenAsync(IStewardStore store, TimeProvider time)
    {
        await store.DisposeAsync();
        return await _folder.OpenAsync(time: time);
    }
}

public sealed class SqliteApprovalTests
{
    [Fact]
    public async Task Questions_AfterARestart_AreListedWithAllThatIsNeededToDecide() // user-pain #8
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using TestFolder folder = new();
        ManualTimeProvider time = new();
        ApprovalPolicy policy = new() { Name = "payments", Tools = ["pay"], Approvers = 2, Roles = ["finance"], ExpiresAfter = TimeSpan.FromDays(7), Default = Answer.Stop };
        QuestionInfo[] asked;
        RunId run;
        await using (SqliteStewardStore store = await folder.OpenAsync(time: time))
        {
            Payments payments = new([Pays(5, 6), Says("done")], [policy], store, time);
            run = await payments.AskAsync();
            await payments.ApproveAsync(run, "approve-1.1", "ana", d => d with { Id = "a1", Roles = ["finance"], Note = "seen" });
            asked = await payments.OpenAsync(run);
        }

        time.Advance(TimeSpan.FromDays(3));
        await using SqliteStewardStore again = await folder.OpenAsync(time: time);
        IReadOnlyList<QuestionInfo> listed = await again.QuestionsAsync(new QuestionQuery(), cancellationToken);
        Assert.Equal(StoreJson.Write(asked[0]), StoreJson.Write(listed[0]));
        Assert.Equal(StoreJson.Write(asked[1]), StoreJson.Write(listed[1]));
        Assert.Equal(("pay", "payments", 2, Answer.Stop, run), (listed[1].Tool, listed[1].Policy, listed[1].Needed, listed[1].Default, listed[1].Run));
        Vote vote = Assert.Single(listed[1].Votes);
        Assert.Equal(("a1", "ana", "seen", listed[1].Binding), (vote.Id, vote.By, vote.Note, vote.Binding));
        Assert.Single(await again.QuestionsAsync(new QuestionQuery { Run = run, Id = "approve-1.1" }, cancellationToken));
        Assert.Empty(await again.QuestionsAsync(new QuestionQuery { Status = QuestionStatus.Decided }, cancellationToken));
    }
}
