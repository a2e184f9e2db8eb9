using Steward.Cli.Rendering;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Host;

/// <summary>Finds the question that a person means.</summary>
internal static class QuestionFinder
{
    /// <summary>The question of that id, open or not; without an id, the only open one of these kinds.</summary>
    /// <exception cref="UsageException">There is none, or there are several.</exception>
    public static async Task<QuestionInfo> FindAsync(
        IRunStore store,
        RunInfo run,
        string? id,
        IReadOnlyCollection<QuestionKind>? kinds,
        CancellationToken cancellationToken)
    {
        IReadOnlyList<QuestionInfo> open = await store.QuestionsAsync(new QuestionQuery { Run = run.Run }, cancellationToken);
        string list = open.Count == 0 ? "It asks nothing" : $"Open: {string.Join(", ", open.Select(q => $"{q.Id} ({Wire.Word(q.Kind)})"))}";
        if (id is not null)
        {
            IReadOnlyList<QuestionInfo> named = await store.QuestionsAsync(
                new QuestionQuery { Run = run.Run, Id = id, Status = null, Limit = 1 }, cancellationToken);
            return named is [var question] ? question : throw new UsageException($"Run {run.Run} never asked '{id}'. {list}.");
        }

        QuestionInfo[] fitting = [.. open.Where(q => kinds is null || kinds.Contains(q.Kind))];
        return fitting switch
        {
            [var only] => only,
            [] => throw new UsageException(open.Count == 0
                ? $"Run {run.Run} asks nothing: it is {run.Status.Name()} ({run.Reason})."
                : $"Run {run.Run} asks nothing that this answers. {list}; 'steward inbox' shows how to answer."),
            _ => throw new UsageException($"Run {run.Run} asks several things; say which: {string.Join(", ", fitting.Select(q => q.Id))}."),
        };
    }
}
