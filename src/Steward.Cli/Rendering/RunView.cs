using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Cli.Rendering;

/// <summary>Shows a run as it goes.</summary>
/// <remarks>
/// What was committed is shown in the journal's order. What a model is saying meanwhile is shown on a terminal only: it is provisional, and
/// when the committed answer is another one, that is shown anew. Deltas pass through a bounded queue, so that a stopped terminal never holds up the run.
/// </remarks>
internal sealed class RunView : IRunObserver
{
    private readonly Output _output;
    private readonly Lock _lock = new();
    private readonly Channel<(int Turn, int Attempt, string Text)> _deltas =
        Channel.CreateBounded<(int, int, string)>(new BoundedChannelOptions(4_096) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly StringBuilder _streamed = new();
    private readonly StringBuilder _early = new();
    private RunState _state;
    private (int Turn, int Attempt) _open;
    private (int Turn, int Attempt) _earlyOf;
    private RunId _run;

    public RunView(Output output)
    {
        _output = output;
        _state = RunState.Empty(default);
        if (output.IsTerminal)
            _ = PumpAsync();
    }

    /// <summary>The state after what was shown.</summary>
    public RunState State => _state;

    /// <summary>Begins with a state that is known already.</summary>
    public void Begin(RunState state)
    {
        lock (_lock)
        {
            _run = state.Run;
            _state = state;
            _open = default;
            _streamed.Clear();
            _early.Clear();
        }
    }

    public void Entry(JournalEntry entry)
    {
        lock (_lock)
        {
            RunState before = _state;
            _state = RunJournal.Fold(before, entry);
            if (_output.Json)
                _output.JsonLine(Stream(entry, before));
            else
                Tell(before, entry);
        }
    }

    void IRunObserver.Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
    }

    void IRunObserver.Delta(RunId run, int turn, int attempt, string text)
    {
        if (run == _run && _output.IsTerminal)
            _deltas.Writer.TryWrite((turn, attempt, text));
    }

    void IRunObserver.Alerted(RunState state, BudgetAlert alert)
    {
    }

    private static JsonObject Stream(JournalEntry entry, RunState before)
    {
        JsonObject line = Documents.Of(entry, before, content: true);
        line.Insert(0, "type", "event");
        return line;
    }

    private async Task PumpAsync()
    {
        await foreach ((int turn, int attempt, string text) in _deltas.Reader.ReadAllAsync())
        {
            lock (_lock)
                Say((turn, attempt), text);
        }
    }

    /// <summary>A delta: shown when its call has been, kept when it came before, dropped when its call is over.</summary>
    private void Say((int Turn, int Attempt) call, string text)
    {
        if (call == _open)
        {
            _output.Raw(Indented(text, _streamed.Length == 0));
            _streamed.Append(text);
        }
        else if (call.CompareTo(_open) > 0)
        {
            if (_earlyOf != call)
                _early.Clear();
            _earlyOf = call;
            _early.Append(text);
        }
    }

    private void Tell(RunState before, JournalEntry entry)
    {
        switch (entry.Event)
        {
            case ModelStarted started:
                Open(started);
                break;
            case ModelReturned returned:
                Close(string.Concat(returned.Content.OfType<TextPart>().Select(t => t.Text)));
                _output.Line($"  {Show.Spent(_state.Spent, _state.Started.Ceilings)} so far{(returned.Usage is { } u ? $" · {Show.Count(u.Input)} tokens in, {Show.Count(u.Output)} out" : "")}", Styles.Dim);
                break;
            case RunStarted or RunCompleted or RunFailed or RunCancelled:
                break;
            case RunClaimed { Epoch: 1 }:
                break;
            case QuestionAsked:
                break;
            default:
                Break();
                EventLine line = EventLines.Describe(before, entry, content: true);
                _output.Line(line.Text, line.Style);
                break;
        }
    }

    private void Open(ModelStarted started)
    {
        Break();
        _open = (started.Turn, started.Attempt);
        if (started.Attempt > 1 || started.WrapUp)
            _output.Line($"asks {started.Provider}/{started.Model} again (attempt {started.Attempt}{(started.WrapUp ? ", wrap-up" : "")})", Styles.Dim);
        if (_earlyOf == _open && _early.Length > 0)
            Say(_open, _early.ToString());
        _early.Clear();
    }

    /// <summary>The committed answer: nothing more when it is what was streamed, the rest, or all of it.</summary>
    private void Close(string text)
    {
        string streamed = _streamed.ToString();
        if (text.Length > 0 && text != streamed)
        {
            bool goesOn = streamed.Length > 0 && text.StartsWith(streamed, StringComparison.Ordinal);
            if (goesOn)
            {
                _output.Raw(Indented(text[streamed.Length..], first: false));
                _streamed.Append(text.AsSpan(streamed.Length));
            }
            else
            {
                Break();
                foreach (string line in text.Split('\n'))
                    _output.Line($"  {line}");
            }
        }

        Break();
        _open = (_open.Turn, int.MaxValue);
    }

    private void Break()
    {
        if (_streamed.Length > 0)
            _output.Raw("\n");
        _streamed.Clear();
    }

    private static string Indented(string text, bool first) => (first ? "  " : "") + text.Replace("\n", "\n  ", StringComparison.Ordinal);
}
