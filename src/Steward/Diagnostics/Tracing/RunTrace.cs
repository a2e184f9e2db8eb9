using System.Diagnostics;
using Steward.Journal;

namespace Steward.Diagnostics.Tracing;

/// <summary>Maps a run's journal to spans: the live path and the export of recorded runs both use it, so they say the same.</summary>
/// <remarks>
/// Pure: no clock, no I/O, no randomness. A span is given out once, with the entry that closes it; the run's own span with the
/// terminal event, whoever commits it. Ids derive from the run and the opening event, so spans that were sent before already point at it.
/// What an earlier epoch left in flight is closed by the <c>run.claimed</c> that found it, as of unknown outcome.
/// </remarks>
public sealed class RunTrace
{
    private readonly RunId _run;
    private readonly TracingOptions _options;
    private readonly ContentWriter _content;
    private readonly Dictionary<string, OpenSpan> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Turn, int Index), CallPart> _calls = [];
    private readonly Dictionary<string, (int, int)> _waits = new(StringComparer.Ordinal);
    private readonly HashSet<string> _signals = new(StringComparer.Ordinal);
    private readonly RootSpan _root = new();
    private readonly List<RunSpan> _closed = [];
    private RunStarted? _started;
    private TraceIdentity? _trace;
    private SpanAttributes _common = [];
    private DateTimeOffset _start;
    private DateTimeOffset _now;
    private (int Turn, string? Purpose, string Model)? _firstAsked;

    /// <summary>Begins before the first entry of a run.</summary>
    public RunTrace(RunId run, TracingOptions? options = null)
    {
        _run = run;
        _options = options ?? new TracingOptions();
        _options.Check();
        _content = new ContentWriter(_options);
    }

    /// <summary>The last sequence that was mapped; 0 before the first.</summary>
    public long Sequence { get; private set; }

    /// <summary>Maps the next entry.</summary>
    /// <returns>The spans that it closes, in the order in which they began.</returns>
    /// <exception cref="JournalException">The entry is another run's, or does not follow.</exception>
    public IReadOnlyList<RunSpan> Apply(JournalEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Run != _run || entry.Sequence != Sequence + 1)
            throw new JournalException(
                $"Entry {entry.Sequence} of run {entry.Run} does not follow entry {Sequence} of run {_run}.") { Run = _run, Sequence = entry.Sequence };
        Sequence = entry.Sequence;
        // Nodes' clocks differ: within a run time never goes back.
        _now = entry.Time > _now ? entry.Time : _now;
        if (entry.Event is RunStarted started)
            Begin(started);
        else if (_started!.Origin is { } origin && entry.Sequence <= origin.Copied)
            Remember(entry.Event);
        else
            Map(entry.Event);
        if (_closed.Count == 0)
            return [];
        RunSpan[] closed = [.. _closed.OrderBy(s => s.Start)];
        _closed.Clear();
        return closed;
    }

    private void Begin(RunStarted started)
    {
        _started = started;
        _start = _now;
        _trace = TraceIdentity.Of(_run, started);
        _root.Input = _content.Single("user", started.Input);
        _content.Say("user", started.Input);
        Describe();
        Open("queue", "steward.queue", ActivityKind.Internal, new SpanAttributes(_common));
    }

    /// <summary>What a fork copied happened in its origin, whose trace shows it: only what it leads to is kept.</summary>
    private void Remember(RunEvent copied)
    {
        _open.Clear();
        _start = _now;
        if (copied is ModelReturned answer)
            Called(answer);
        Converse(copied);
        Open("queue", "steward.queue", ActivityKind.Internal, new SpanAttributes(_common));
    }

    private void Describe() => _common = new SpanAttributes()
        .Set(Names.Run, _run.ToString())
        .Set("steward.tenant", _started!.Tenant)
        .Set(Names.Conversation, _started.Session)
        .Set(Names.User, _started.User)
        .Set(Names.Agent, _started.Agent)
        .Set(Names.AgentVersion, _started.AgentVersion);

    private void Map(RunEvent runEvent)
    {
        Converse(runEvent);
        switch (runEvent)
        {
            case RunClaimed e: Claimed(e); break;
            case ModelStarted e: ModelBegan(e); break;
            case ModelReturned e: ModelAnswered(e); break;
            case ModelFailed e: ModelGaveUp(e); break;
            case ToolStarted e: ToolBegan(e); break;
            case ToolReturned e: ToolReturned(e); break;
            case ToolFailed e: ToolFailed(e); break;
            case ToolRejected e: ToolRejected(e); break;
            case ChildStarted e: ChildBegan(e); break;
            case ChildEnded e: ChildEnded(e); break;
            case WaitStarted e: WaitBegan(e); break;
            case WaitEnded e: Close(Call(e.Turn, e.Index)); break;
            case SignalReceived e: Signalled(e.Name); break;
            case QuestionAsked e: Asked(e); break;
            case QuestionAnswered e: Answered(e); break;
            case RunCompleted or RunFailed or RunCancelled: End(runEvent); break;
            default: Happened(runEvent); break;
        }
    }

    /// <summary>Keeps what the next request shows, where content is wanted.</summary>
    private void Converse(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case MessageReceived e: _content.Say("user", e.Input); break;
            case GuidanceAdded e: _content.Say("user", [new TextPart(e.Text)]); break;
            case ToolReturned e: _content.SayResult(CallOf(e.Turn, e.Index)?.Id, e.Result); break;
            case ToolFailed e: _content.SayResult(CallOf(e.Turn, e.Index)?.Id, e.Message); break;
            case ToolRejected e: _content.SayResult(CallOf(e.Turn, e.Index)?.Id, e.Message); break;
        }
    }

    private void Claimed(RunClaimed e)
    {
        Close("queue", s => s.Attributes.Set("steward.worker", e.Worker));
        string[] lost = [.. _open.Keys.Where(k => k == "model" || k.StartsWith("tool:", StringComparison.Ordinal))];
        foreach (string key in lost)
            Close(key, s => s.Fail("outcome_unknown").Attributes.Set(Names.Outcome, "unknown").Set("steward.lost_to_epoch", e.Epoch));
        Note("steward.claim", a => a
            .Set("steward.epoch", e.Epoch)
            .Set("steward.worker", e.Worker)
            .Set("steward.claim.attempt", (long)e.Attempt)
            .Set("steward.takeover", lost.Length > 0 || e.Attempt > 1));
    }

    private void ModelBegan(ModelStarted e)
    {
        _root.Called(e);
        SpanAttributes attributes = ModelSpans.Started(_common, e, e.Purpose is null ? _content.Conversation() : null);
        if (_firstAsked is not { } first || first.Turn != e.Turn || first.Purpose != e.Purpose)
            _firstAsked = (e.Turn, e.Purpose, e.Model);
        else if (first.Model != e.Model)
            attributes.Set("steward.fallback_from", first.Model);
        Open("model", $"chat {e.Model}", ActivityKind.Client, attributes);
    }

    private void ModelAnswered(ModelReturned e)
    {
        bool isAnswer = !_open.TryGetValue("model", out OpenSpan? span) || span.Attributes.All(a => a.Key != "steward.purpose");
        Close("model", s => ModelSpans.Returned(s.Attributes, e, _options.Convention, _content));
        _root.Spend(e.Settled, e.Usage);
        if (isAnswer)
            Called(e);
    }

    private void Called(ModelReturned e)
    {
        _content.Say("assistant", e.Content);
        _calls.Clear();
        int index = 0;
        foreach (CallPart call in e.Content.OfType<CallPart>())
            _calls[(e.Turn, index++)] = call;
    }

    private void ModelGaveUp(ModelFailed e)
    {
        Close("model", s => ModelSpans.Failed(s.Fail(Names.Of(e.Failure), _content.Text(e.Message)).Attributes, e, _options.Convention));
        _root.Spend(e.Settled);
    }

    private void ToolBegan(ToolStarted e) =>
        OpenCall(Call(e.Turn, e.Index), e.Name, e.Turn, e.Index, a => a
            .Set("steward.tool.effect", Names.Of(e.Effect))
            .Set("steward.idempotency_key", e.Key)
            .Set(Names.Attempt, (long)e.Attempt));

    private void ToolReturned(ToolReturned e)
    {
        Close(Call(e.Turn, e.Index), s => s.Attributes
            .Set("gen_ai.tool.call.result", _content.Text(e.Result))
            .Set("steward.cost.usd", e.Settled.Usd == 0 ? null : (double)e.Settled.Usd));
        _root.Spend(e.Settled);
    }

    private void ToolFailed(ToolFailed e)
    {
        Close(Call(e.Turn, e.Index), s => s.Fail(Names.Of(e.Failure), _content.Text(e.Detail ?? e.Message)).Attributes
            .Set(Names.Outcome, e.Failure == ToolFailure.OutcomeUnknown ? "unknown" : null)
            .Set("steward.cost.usd", e.Settled.Usd == 0 ? null : (double)e.Settled.Usd));
        _root.Spend(e.Settled);
    }

    private void ToolRejected(ToolRejected e)
    {
        string key = Call(e.Turn, e.Index);
        OpenCall(key, null, e.Turn, e.Index, a => a.Set(Names.Outcome, "not_called"));
        Close(key, s => s.Fail(Names.Of(e.Reason), _content.Text(e.Message)));
    }

    /// <summary>A child that was called is the tool call that called it; a plan's step is a span of its own.</summary>
    private void ChildBegan(ChildStarted e)
    {
        ActivitySpanId id = SpanIds.OfChild(_run, e.Child);
        if (e.Step is { } step)
            Open($"child:{e.Child}", $"steward.step {step}", ActivityKind.Internal, new SpanAttributes(_common)
                .Set("steward.step", step).Set("steward.child.run", e.Child.ToString()).Set("steward.child.agent", e.Agent), id);
        else
            OpenCall($"child:{e.Child}", null, e.Turn, e.Index, a => a
                .Set("steward.child.run", e.Child.ToString()).Set("steward.child.agent", e.Agent).Set("steward.hand_off", e.HandOff ? true : null), id);
    }

    private void ChildEnded(ChildEnded e)
    {
        Close($"child:{e.Child}", s =>
        {
            s.Attributes.Set("steward.child.status", e.Status.Name()).Set("steward.cost.children_usd", (double)e.Spent.Usd);
            if (e.Status != RunStatus.Completed)
                s.Fail(e.Status.Name(), _content.Text(e.Reason));
        });
        _root.SpendByChild(e.Spent);
    }

    private void WaitBegan(WaitStarted e)
    {
        string key = Call(e.Turn, e.Index);
        OpenCall(key, null, e.Turn, e.Index, a => a.Set("steward.wait.until", e.Until?.ToString("O")).Set("steward.wait.signal", e.SignalName));
        if (e.SignalName is not { } name)
            return;
        if (_signals.Remove(name))
            Close(key);
        else
            _waits[name] = (e.Turn, e.Index);
    }

    private void Signalled(string name)
    {
        Note("steward.signal", a => a.Set("steward.signal", name));
        if (_waits.Remove(name, out (int Turn, int Index) call))
            Close(Call(call.Turn, call.Index));
        else
            _signals.Add(name);
    }

    private void Asked(QuestionAsked e)
    {
        string name = e.Kind is QuestionKind.Approval or QuestionKind.Plan ? "steward.approval" : "steward.question";
        Open($"question:{e.Id}", name, ActivityKind.Internal, new SpanAttributes(_common)
            .Set("steward.question.id", e.Id)
            .Set("steward.question.kind", Names.Of(e.Kind))
            .Set("steward.question.policy", e.Policy)
            .Set("steward.question.text", _content.Text(e.Text))
            .Set(Names.Tool, e.Tool)
            .Set(Names.ToolCall, e.Tool is null ? null : CallOf(e.Turn, e.Index)?.Id));
    }

    private void Answered(QuestionAnswered e) => Close($"question:{e.Id}", s => s.Attributes
        .Set("steward.question.answer", Names.Of(e.Answer))
        .Set("steward.question.by", e.By)
        .Set("steward.question.edited", e.Arguments is null ? null : true)
        .Set("steward.question.note", _content.Text(e.Note))
        .Set("steward.question.waited_seconds", (_now - s.Start).TotalSeconds));

    private void Happened(RunEvent runEvent)
    {
        if (runEvent is RunMigrated migrated)
        {
            _started = _started! with { AgentVersion = migrated.AgentVersion, DefinitionHash = migrated.DefinitionHash };
            Describe();
        }

        if (RunEvents.Describe(runEvent, _content) is (string name, SpanAttributes attributes))
            _root.Add(name, _now, attributes.Set(Names.Sequence, Sequence));
    }

    /// <summary>Whatever is open when the run ends was given up with it.</summary>
    private void End(RunEvent outcome)
    {
        foreach (string key in _open.Keys.ToArray())
            Close(key, s => s.Attributes.Set(Names.Outcome, "abandoned"));
        _closed.Add(_root.Close(_run, _started!, _trace!, _common, (_start, _now), outcome, _content));
    }

    private void OpenCall(string key, string? name, int turn, int index, Action<SpanAttributes> describe, ActivitySpanId? id = null)
    {
        CallPart? call = CallOf(turn, index);
        name ??= Names.ToolNamed(call?.Name);
        SpanAttributes attributes = new SpanAttributes(_common)
            .Set(Names.Operation, "execute_tool")
            .Set(Names.Tool, name)
            .Set("gen_ai.tool.type", "function")
            .Set(Names.ToolCall, call?.Id)
            .Set("gen_ai.tool.call.arguments", _content.Json(call?.Arguments))
            .Set(Names.Turn, (long)turn)
            .Set("steward.call.index", (long)index);
        describe(attributes);
        Open(key, $"execute_tool {name}", ActivityKind.Internal, attributes, id);
    }

    private void Open(string key, string name, ActivityKind kind, SpanAttributes attributes, ActivitySpanId? id = null) =>
        _open[key] = new OpenSpan(
            name, kind, id ?? SpanIds.At(_run, Sequence), SpanIds.RootOf(_run), _now, attributes.Set(Names.Sequence, Sequence));

    private void Close(string key, Action<OpenSpan>? finish = null)
    {
        if (!_open.Remove(key, out OpenSpan? span))
            return;
        finish?.Invoke(span);
        _closed.Add(span.Close(_trace!, _now));
    }

    private void Note(string name, Action<SpanAttributes> describe)
    {
        SpanAttributes attributes = new SpanAttributes().Set(Names.Sequence, Sequence);
        describe(attributes);
        _root.Add(name, _now, attributes);
    }

    private CallPart? CallOf(int turn, int index) => _calls.GetValueOrDefault((turn, index));

    private static string Call(int turn, int index) => $"tool:{turn}.{index}";
}
