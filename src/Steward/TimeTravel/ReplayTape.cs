using Steward.Agents;
using Steward.Engine;
using Steward.Journal;
using Steward.State;

namespace Steward.TimeTravel;

/// <summary>What was recorded, and how far the replay has come in it.</summary>
/// <remarks>
/// What the loop notes is compared with what was recorded at that place. What is equal is noted as it
/// was recorded, so that the state is the recorded one, to the last id and amount. What comes from
/// outside (answers, results, verdicts, signals, switches, refusals of the gate) is read from the tape.
/// </remarks>
internal sealed class ReplayTape : IRunScript
{
    private readonly RunEvent[] _events;
    private readonly DateTimeOffset[] _times;
    private readonly AgentDefinition? _given;
    private readonly Func<string, AgentBlueprint?> _recordedAs;
    private readonly Dictionary<long, RunEvent?> _differing = [];

    /// <param name="recording">The journal.</param>
    /// <param name="given">The definition under which it is replayed, when that may be another than the recorded one.</param>
    /// <param name="recordedAs">The recorded definitions, by hash.</param>
    public ReplayTape(Recording recording, AgentDefinition? given, Func<string, AgentBlueprint?> recordedAs)
    {
        _events = [.. recording.Entries.Select(e => e.Event)];
        _times = [.. recording.Entries.Select(e => e.Time)];
        _given = given;
        _recordedAs = recordedAs;
    }

    public ReplayClock Clock { get; } = new();

    public long Length => _events.Length;

    /// <summary>Entries that are durable in the replay.</summary>
    public long Position { get; set; }

    public ReplayDivergence? Divergence { get; private set; }

    /// <summary>The session that is worked on.</summary>
    public RunSession? Session { get; set; }

    /// <summary>The recorded event at a sequence; null beyond the end.</summary>
    public RunEvent? At(long sequence) => sequence <= Length ? _events[sequence - 1] : null;

    /// <summary>What was recorded after what is durable, up to the next claim: what a worker did in one go.</summary>
    public IEnumerable<RunEvent> Ahead()
    {
        for (long sequence = Position + 1; At(sequence) is { } next and not RunClaimed; sequence++)
            yield return next;
    }

    public void MoveClock(long sequence)
    {
        if (sequence <= Length)
            Clock.Set(_times[sequence - 1]);
    }

    public (RunEvent Event, DateTimeOffset Time) Take(RunState before, RunEvent noted)
    {
        long sequence = before.Sequence + 1;
        if (At(sequence) is not { } recorded)
            return (noted, Clock.GetUtcNow());
        bool same = ReplayEquality.Same(recorded, noted) && !PromptDiffers(before, recorded);
        _differing[sequence] = same ? null : noted;
        if (!same)
            return (noted, Clock.GetUtcNow());
        MoveClock(sequence + 1);
        return (recorded, _times[sequence - 1]);
    }

    /// <summary>What came from outside right after this event has to be there when the loop looks.</summary>
    public void Noted(RunSession session)
    {
        long sequence = session.State.Sequence;
        if (Differs(sequence) is not null || At(sequence + 1) is not { } next)
            return;
        if (ReplaySignals.Of(session.State.Run, next) is not null)
            session.SignalsPending = true;
        else if (next is StateChanged { Reason: Reasons.KillSwitch } killed)
            session.Kill(killed.Detail ?? "global");
        session.RecordedOutage = OutageOf(session, next, At(sequence + 2));
        session.RecordedTarget = next is ModelStarted call ? (call.Provider, call.Model) : null;
    }

    /// <summary>Whether models answer is for the world to say: where none did,
    /// the run waited or failed with the words that were recorded.</summary>
    private static StepResult? OutageOf(RunSession session, RunEvent next, RunEvent? afterwards) => next switch
    {
        StateChanged { To: RunStatus.Awaiting, Reason: Reasons.ModelUnavailable } e =>
            new StepResult.ModelsDown(e.Detail ?? "", session.Now),
        StateChanged { To: RunStatus.Failed, Reason: Reasons.ModelUnavailable or Reasons.ModelAuthentication }
            when afterwards is RunFailed e =>
            new StepResult.End(Decide.Fail(session.State, e.Code, e.Message)),
        _ => null,
    };

    /// <summary>What came out in place of what was recorded at a sequence; null when that was equal.</summary>
    public RunEvent? Differs(long sequence) => _differing.GetValueOrDefault(sequence);

    public void Diverge(long sequence, string actual) =>
        Divergence ??= new ReplayDivergence(
            sequence, At(sequence) is { } recorded ? ReplayEquality.Describe(recorded) : "(the end of the journal)", actual);

    /// <summary>The worker that was recorded went away here, or the recording ends: so does this one.</summary>
    public OperationCanceledException Stop()
    {
        Session!.Interrupt(Interruption.LeaseLost);
        return new OperationCanceledException("The recording goes no further here.");
    }

    /// <summary>A hash of the definition is in each request's hash; of the words
    /// in it, only the system prompt makes the request another one.</summary>
    private bool PromptDiffers(RunState before, RunEvent recorded) =>
        _given is not null
        && recorded is ModelStarted started
        && SideCall.PurposeOf(started) is null
        && before.Started.DefinitionHash != _given.Hash
        && _recordedAs(before.Started.DefinitionHash) is { } blueprint
        && blueprint.Instructions != _given.Instructions;
}
