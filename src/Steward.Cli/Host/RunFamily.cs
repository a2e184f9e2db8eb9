using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Host;

/// <summary>A run with the runs that it started.</summary>
internal static class RunFamily
{
    /// <summary>More children than any run may have.</summary>
    public const int Most = 2_000;

    /// <summary>What the descendants of a run ask.</summary>
    public static async Task<IReadOnlyList<QuestionInfo>> QuestionsBelowAsync(IStewardStore store, RunId run)
    {
        List<QuestionInfo> questions = [];
        foreach (RunInfo child in await store.FindAsync(new RunQuery { Parent = run, Statuses = StatusRules.Living, Limit = Most }))
        {
            questions.AddRange(await store.QuestionsAsync(new QuestionQuery { Run = child.Run }));
            questions.AddRange(await QuestionsBelowAsync(store, child.Run));
        }

        return questions;
    }
}
