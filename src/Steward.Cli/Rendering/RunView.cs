using System.Text;
using System.Text.Json.Nodes;
using Steward.Client;
using Steward.Journal;
using Steward.State;

namespace Steward.Cli.Rendering;

/// <summary>Shows a run as it goes.</summary>
/// <remarks>
/// What was committed is shown in the journal's order. What a model is saying meanwhile is shown on
/// a terminal only: it is provisional, and when the committed answer is another one, that is shown
/// anew. The stream drops text that a stopped terminal does not take, so none holds up the run.
/// </remarks>
internal sealed class RunView(Output output)
{
    private readonly Lock _lock = new();
    private readonly StringBuilder _streamed = new();
    private RunState _state = RunState.Empty(default);

    /// <summary>The state after what was shown.</summary>
    public RunState State => _state;

    /// <summary>Begins with a state that is known already.</summary>
    public void Begin(RunState state)
    {
        lock (_lock)
        {
            _state = state;
            _streamed.Clear();
        }
    }

    public void Update(RunUpdate update)
    {
        if (update is EntryRead read)
            Entry(read.Entry);
        else if (update is TextArrived text && output.IsTerminal)
            Say(text.Text);
    }

    public void Entry(JournalEntry entry)
    {
        lock (_lock)
        {
            RunState before = _state;
            _state = RunJournal.Fold(before, entry);
            if (output.Json)
                output.JsonLine(Stream(entry, before));
            else
                Tell(before, entry);
        }
    }

    private static JsonObject Stream(JournalEntry entry, RunState before)
    {
        JsonObject line = Documents.Of(entry, before, content: true);
        line.Insert(0, "type", "event");
        return line;
    }

    private void Say(string text)
    {
        lock (_lock)
        {
            output.Raw(Indented(text, _streamed.Length == 0));
            _streamed.Append(text);
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
                output.Line(
                    $"  {Show.Spent(_state.Spent, _state.Started.Ceilings)} so far{(returned.Usage is { } u ? $" · {Show.Count(u.Input)} tokens in, {Show.Count(u.Output)} out" : "")}",
                    Styles.Dim);
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
                output.Line(line.Text, line.Style);
                break;
        }
    }

    private void Open(ModelStarted started)
    {
        Break();
        if (started.Attempt > 1 || started.WrapUp)
            output.Line(
                $"asks {started.Provider}/{started.Model} again (attempt {started.Attempt}{(started.WrapUp ? ", wrap-up" : "")})",
                Styles.Dim);
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
                output.Raw(Indented(text[streamed.Length..], first: false));
                _streamed.Append(text.AsSpan(streamed.Length));
            }
            else
            {
                Break();
                foreach (string line in text.Split('\n'))
                    output.Line($"  {line}");
            }
        }

        Break();
    }

    private void Break()
    {
        if (_streamed.Length > 0)
            output.Raw("\n");
        _streamed.Clear();
    }

    private static string Indented(string text, bool first) => (first ? "  " : "") + text.Replace("\n", "\n  ", StringComparison.Ordinal);
}
