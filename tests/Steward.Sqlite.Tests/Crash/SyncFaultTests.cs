using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Sqlite.Tests.Crash;

/// <summary>Faults S4, S5 and S6: syncs that fail, are slow, or lie. Real processes; the model is scripted, the tool is Unsafe and has a probe.</summary>
public sealed class SyncFaultTests(ITestOutputHelper output) : IDisposable
{
    private const int Steps = 30;
    private const int Cuts = 40;
    private readonly TestFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("fsync:error=EIO:when=6")]
    [InlineData("fsync:error=EIO:when=6+13")]
    [InlineData("pwrite64:error=EIO:when=70")]
    [InlineData("pwrite64:error=EIO:when=70+60")]
    [InlineData("pwrite64:error=ENOSPC:when=70+60")]
    public async Task S4_DiskFailsWhileTheRunIsAtWork_EveryEffectIsMadeOnce(string inject)
    {
        Requirement.Strace();
        await (await _folder.OpenAsync()).DisposeAsync(); // The disk fails at work, not while the tables are made.
        var run = new CrashedRun(_folder, "run", probe: true, Steps, new Random(1)) { Fault = Fault(inject) };

        (int exit, string text) = await run.RunUntilDoneAsync(mostKills: 0, Token);

        Assert.True(exit == 0, text);
        run.AssertEachEffectOnce();
        int settled = await run.CountAsync(e => e is ToolResolved { By: "probe" });
        Assert.InRange(run.Fault.Injected, 1, 1_000);
        // What a failed sync left behind is in nobody's way: the log is copied and begun anew before anything is added to it.
        Assert.All(run.Fault.LogsBegunAnew(), Assert.True);
        await AssertSoundAsync();
        output.WriteLine($"{inject}: {run.Fault.Injected} calls failed, {run.Starts} processes, {Steps} effects, each once, {settled} lost results settled by the probe.");
    }

    [Fact]
    public async Task S4_DiskFailsAtTheStart_ErrorNamesTheFileAndTheNextProcessGoesOn()
    {
        Requirement.Strace();
        var run = new CrashedRun(_folder, "run", probe: true, Steps, new Random(1)) { Fault = Fault("fsync:error=EIO:when=2") };

        (int exit, string text) = await run.RunUntilDoneAsync(mostKills: 0, Token);

        Assert.True(exit == 0, text);
        Assert.Equal(2, run.Starts);
        Assert.Contains($"The database '{_folder.Database}' could not be read or written", run.First, StringComparison.Ordinal);
        Assert.Contains("check the disk", run.First, StringComparison.Ordinal);
        run.AssertEachEffectOnce();
    }

    [Fact]
    public async Task S5_SyncsTakeLongerThanALease_EveryEffectIsMadeOnce()
    {
        Requirement.Strace();
        await (await _folder.OpenAsync()).DisposeAsync();
        var run = new CrashedRun(_folder, "run", probe: true, Steps, new Random(1)) { Fault = Fault("fsync:delay_enter=1500000:when=6+12") };

        (int exit, string text) = await run.RunUntilDoneAsync(mostKills: 0, Token);

        Assert.True(exit == 0, text);
        Assert.Equal(1, run.Starts);
        run.AssertEachEffectOnce();
        int claims = await run.CountAsync(e => e is RunClaimed), settled = await run.CountAsync(e => e is ToolResolved { By: "probe" });
        Assert.InRange(run.Fault.Slow, 1, Steps);
        await AssertSoundAsync();
        output.WriteLine($"{run.Fault.Slow} syncs of 1.5 s at a lease of 0.4 s: {claims} claims, {Steps} effects, each once, {settled} lost results settled by the probe.");
    }

    /// <summary>The disk says that it has written and has not; then the power fails. What it loses, nobody can bring back: it is noticed.</summary>
    [Fact]
    public async Task S6_SyncsLieAndThePowerFails_EveryLossIsNamed()
    {
        const int Acknowledged = 150;
        Requirement.Strace();
        SyncFault fault = Fault("fsync:retval=0");
        List<(RunId Run, long Sequence)> lines;
        using (ChildProcess child = ChildProcess.Start(_folder.Database, appends: 1_000_000, fault))
            lines = await child.ReadThenKillAsync(Acknowledged, Token);
        Assert.InRange(fault.Injected, Acknowledged, int.MaxValue);
        RunId run = lines[^1].Run;
        long witnessed = Assert.Single(Witness.Load(_folder.Database)).Sequence;
        Assert.InRange(witnessed, lines[^1].Sequence, lines[^1].Sequence + 1);
        long length = new FileInfo(_folder.Log).Length;
        int named = 0;
        for (int i = 0; i <= Cuts; i++)
        {
            using TestFolder copy = _folder.Copy(witness: true);
            await using (FileStream log = new(copy.Log, FileMode.Open))
                log.SetLength(length * i / Cuts);
            await using SqliteStewardStore store = await copy.OpenAsync();
            int there = (await TestRun.ReadAsync(store, run)).Count;
            IReadOnlyList<StoreProblem> problems = await store.VerifyAsync(cancellationToken: Token);
            if (there >= witnessed)
            {
                Assert.Empty(problems);
                continue;
            }

            Assert.Equal((run, there + 1), (Assert.Single(problems).Run, problems[0].Sequence));
            await Assert.ThrowsAsync<JournalException>(async () => await store.ClaimOneAsync(new ClaimRequest { Worker = "w2", Duration = TimeSpan.FromMinutes(1), Run = run }, Token));
            named++;
        }

        Assert.InRange(named, Cuts / 2, Cuts);
        output.WriteLine($"{fault.Injected} syncs that did nothing, {lines.Count} entries acknowledged; of {Cuts + 1} power cuts {named} lost some, each named with run and sequence and the run refused; the others lost none.");
    }

    private SyncFault Fault(string inject) => new(_folder.Database, Path.Combine(_folder.Folder, "trace"), inject);

    private async Task AssertSoundAsync()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
    }
}
