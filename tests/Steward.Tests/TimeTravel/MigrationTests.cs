using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.TimeTravel;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.TimeTravel;

/// <summary>Runs that wait while their agent is changed: renamed and removed tools (A4), new versions of paused runs.</summary>
public sealed class MigrationTests
{
    private static readonly FunctionModel s_model = Script(Calls_(("drop", new { id = 3 })), Says("done"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Migrate_DryRun_SaysWhatChangesAndSendsNothing()
    {
        (Lab before, RunId run) = await WaitingAsync();
        AgentDefinition next = Version("2", "You test better.", Drop(), Harness.Tool("look", _ => "seven"));

        MigrationReport report = await new Lab(s_model, next, before.Store, before.Time).Client().MigrateAsync(run, new MigrationRequest { By = "ana", DryRun = true }, Token);

        Assert.Equal(("1", "2"), (report.FromVersion, report.ToVersion));
        Assert.Empty(report.Blockers);
        Assert.False(report.IsSent);
        Assert.Contains(report.Changes, c => c.Subject == "instructions");
        Assert.Contains(report.Changes, c => c is { Subject: "tools", Text: "'look' is new." });
        Assert.Empty(await before.Store.InboxAsync(run, Token));
    }

    [Fact]
    public async Task Migrate_ARunWhoseVersionIsGone_GoesOnUnderTheNewOne()
    {
        (Lab before, RunId run) = await WaitingAsync();
        var after = new Lab(s_model, Version("2", "You test better.", Drop()), before.Store, before.Time);
        await after.Client().Get(run).AnswerAsync("approve-1.0", Answer.Approve, "ana", cancellationToken: Token);
        await after.WorkAllAsync();
        Assert.Equal("agent_missing", (await after.StateAsync(run)).Reason);

        MigrationReport report = await after.Client().MigrateAsync(run, new MigrationRequest { By = "ana", Note = "a better prompt" }, Token);
        Assert.True(report.IsSent);
        await after.WorkAllAsync();

        // What was approved, was approved of another definition: it is asked again.
        QuestionAsked again = Assert.Single((await after.StateAsync(run)).Questions);
        await after.Client().Get(run).AnswerAsync(again.Id, Answer.Approve, "ana", cancellationToken: Token);
        await after.WorkAllAsync();
        RunState state = Invariants.Check(await after.JournalAsync(run));
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Equal("2", state.Started.AgentVersion);
        Assert.Equal("2", (await after.Store.FindAsync(new RunQuery { Run = run }, Token))[0].AgentVersion);
        Assert.Single(await after.JournalAsync(run), e => e.Event is RunMigrated);
    }

    [Fact]
    public async Task Migrate_ARunThatIsBeingWorkedOn_MovesAtTheNextAction()
    {
        AgentDefinition next = Version("2", "You test better.", Harness.Tool("look", _ => "seven"));
        Lab? lab = null;
        RunId run = default;
        ToolDefinition look = Harness.Tool("look", _ =>
        {
            var after = new Lab(s_model, next, lab!.Store, lab.Time);
            return $"{after.Client().MigrateAsync(run, new MigrationRequest { By = "ana" }, Token).GetAwaiter().GetResult().IsSent}";
        });
        FunctionModel model = Script(Calls_(("look", new { })), Says("done"));
        lab = new Lab(model, Version("1", "You test.", look));
        run = await lab.StartAsync();
        await lab.WorkAsync();
        await new Lab(model, next, lab.Store, lab.Time).WorkAllAsync();

        RunState state = Invariants.Check(await lab.JournalAsync(run));
        Assert.Equal((RunStatus.Completed, "2"), (state.Status, state.Started.AgentVersion));
    }

    [Fact]
    public async Task Migrate_AToolIsGoneThatACallWaitsFor_IsRefused()
    {
        (Lab before, RunId run) = await WaitingAsync();
        var after = new Lab(s_model, Version("2", "You test.", Harness.Tool("remove", _ => "gone")), before.Store, before.Time);

        MigrationBlockedException blocked = await Assert.ThrowsAsync<MigrationBlockedException>(() => after.Client().MigrateAsync(run, new MigrationRequest { By = "ana" }, Token));

        Assert.Contains("'drop'", Assert.Single(blocked.Report.Blockers), StringComparison.Ordinal);
        Assert.Contains(blocked.Report.Changes, c => c.Text == "'drop' is gone.");
        Assert.Empty(await after.Store.InboxAsync(run, Token));
    }

    [Fact]
    public async Task Migrate_ASchemaThatTheOpenCallBreaks_IsRefused()
    {
        (Lab before, RunId run) = await WaitingAsync();
        ToolDefinition strict = Drop("""{"type":"object","required":["name"]}""");
        var after = new Lab(s_model, Version("2", "You test.", strict), before.Store, before.Time);

        MigrationReport report = await after.Client().MigrateAsync(run, new MigrationRequest { By = "ana", DryRun = true }, Token);

        Assert.Contains("not valid for the schema", Assert.Single(report.Blockers), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrate_NotLoadedOrEnded_IsRefused()
    {
        (Lab lab, RunId run) = await WaitingAsync();
        MigrationReport missing = await lab.Client().MigrateAsync(run, new MigrationRequest { By = "ana", AgentVersion = "9", DryRun = true }, Token);
        Assert.Contains("not loaded", Assert.Single(missing.Blockers), StringComparison.Ordinal);
        Assert.True((await lab.Client().MigrateAsync(run, new MigrationRequest { By = "ana" }, Token)).IsThereAlready);

        await lab.Client().Get(run).CancelAsync("ana", cancellationToken: Token);
        await lab.WorkAllAsync();
        StewardException ended = await Assert.ThrowsAsync<StewardException>(() => lab.Client().MigrateAsync(run, new MigrationRequest { By = "ana" }, Token));
        Assert.Contains("has ended", ended.Message, StringComparison.Ordinal);
    }

    /// <summary>The definition came back without a tool whose call a crash had cut off: the model is told, and nothing breaks.</summary>
    [Fact]
    public async Task LostCall_OfAToolThatIsGone_IsAnsweredToTheModel()
    {
        var lab = new Lab(Script(Calls_(("look", new { })), Says("done")), Version("1", "You test.", Harness.Tool("look", _ => throw new NotSupportedException("the worker dies"))));
        RunId run = await lab.StartAsync();
        var faulty = new Steward.Testing.Faults.FaultyStore(lab.Store) { Methods = [nameof(IRunStore.AppendAsync)], FailAt = 3, Lasting = true };
        await Assert.ThrowsAsync<StoreException>(() => lab.WorkAsync("w1", faulty));
        Assert.Equal(ToolCallStatus.Started, Assert.Single((await lab.StateAsync(run)).Calls).Status);
        lab.Time.Advance(Lab.LeaseDuration);

        AgentDefinition next = Version("2", "You test.", Harness.Tool("see", _ => "seven"));
        await lab.Store.SignalAsync(new Signal("g1", run, new MigrateSignal("2", next.Hash, "ana", null)), Token);
        var after = new Lab(lab.Model, next, lab.Store, lab.Time);
        await after.WorkAllAsync();

        RunState state = Invariants.Check(await after.JournalAsync(run));
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Contains("no longer there", Assert.Single(state.Completed).Result, StringComparison.Ordinal);
    }

    private static AgentDefinition Version(string version, string prompt, params ToolDefinition[] tools) =>
        new AgentBuilder("tester", version).Instruct(prompt).UseModel(Harness.Model).AddTools(tools).Build();

    private static ToolDefinition Drop(string schema = "{}") => new("drop", "Tested.", JsonElement.Parse(schema), (_, _, _) => ValueTask.FromResult(new ToolOutput("dropped"))) { RequiresApproval = true };

    private static async Task<(Lab Lab, RunId Run)> WaitingAsync()
    {
        var lab = new Lab(s_model, Version("1", "You test.", Drop()));
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        Assert.Single((await lab.StateAsync(run)).Questions);
        return (lab, run);
    }
}
