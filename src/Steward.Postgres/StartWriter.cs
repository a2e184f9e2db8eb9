using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Operations;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>The group commit of starts: a group goes <see cref="StartsAtOnce">at
/// once</see>, what is left of it in transactions of their own.</summary>
internal sealed class StartWriter(Database database, NodeCache cache, PostgresStoreOptions options)
    : GroupCommit<RunStart, StartResult>(database, loops: 1, options.MaxGroup)
{
    protected override RunId RunOf(RunStart work) => work.Run;

    protected override async Task<object[]> CommitAsync(IReadOnlyList<RunStart> group, int loop)
    {
        object?[] answers = await StartsAtOnce.TryAsync(Database, cache, group, options.Limits.InlinePayload);
        for (int i = 0; i < answers.Length; i++)
            answers[i] ??= AloneAsync(group[i]);
        return answers!;
    }

    /// <summary>It may have to wait for others of its session: who queued behind it does not.</summary>
    private async Task<object> AloneAsync(RunStart start)
    {
        try
        {
            return await Database.WriteAsync(tx => Starts.RunAsync(tx, start, options.Limits.InlinePayload), CancellationToken.None);
        }
        catch (Exception e)
        {
            return e;
        }
    }
}
