using System.Net;
using System.Net.Http.Json;
using Steward.ClusterBench.Ledger;
using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Reading;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.ClusterBench.Load;

/// <summary>The person whom runs ask: looks at the world before it says what became of a call, and writes down each word before it gives it.</summary>
internal sealed class Person : IAsyncDisposable
{
    /// <summary>Nobody answers at once; and a call that is under way when the question comes has ended by then.</summary>
    private static readonly TimeSpan s_thought = TimeSpan.FromMilliseconds(400);

    private readonly IStewardStore _store;
    private readonly string _folder;
    private readonly HttpClient _world;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _work;

    public Person(IStewardStore store, string ledger, string folder)
    {
        _store = store;
        _folder = folder;
        _world = new HttpClient { BaseAddress = new Uri(ledger) };
        _work = WorkAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        await _work;
        _world.Dispose();
        _stop.Dispose();
    }

    private async Task WorkAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                IReadOnlyList<QuestionInfo> open = await _store.QuestionsAsync(new QuestionQuery { Status = QuestionStatus.Open }, _stop.Token);
                await Task.Delay(s_thought, _stop.Token);
                foreach (QuestionInfo question in open)
                    await AnswerAsync(question);
            }
            catch (StoreException)
            {
                // The database is away: the question stays open.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(QuestionInfo question)
    {
        RunState state = await RunJournal.LoadAsync(_store, question.Run, _stop.Token);
        if (state.FindQuestion(question.Id) is not { } asked)
            return;
        ToolStarted? intent = asked.Kind == QuestionKind.OutcomeUnknown ? state.FindCall(asked.Turn, asked.Index)!.Intent : null;
        Answer answer = intent is null ? Answer.Continue : await HappenedAsync(question.Run, intent) ? Answer.Happened : Answer.DidNotHappen;
        string word = answer switch { Answer.Continue => "continue", Answer.Happened => "happened", _ => "did_not_happen" };
        await File.AppendAllTextAsync(Path.Combine(_folder, CaseFolder.Words), Lines.Write(new PersonsWord(question.Run.Value, question.Id, intent?.Key ?? "", word, Clock.Now)), CancellationToken.None);
        await _store.DecideAsync(new Decision { Id = $"{question.Id}-by-person", Run = question.Run, Question = question.Id, Answer = answer, By = "person", Result = answer == Answer.Happened ? "done, as a person saw" : null }, _stop.Token);
    }

    private async Task<bool> HappenedAsync(RunId run, ToolStarted intent)
    {
        using HttpResponseMessage answer = await _world.PostAsJsonAsync("probe", new ToolRequest(intent.Key, run.Value, intent.Name, "unsafe", 0), _stop.Token);
        return answer.StatusCode == HttpStatusCode.OK;
    }
}
