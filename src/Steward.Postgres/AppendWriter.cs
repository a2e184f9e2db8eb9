using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Operations;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>The group commit of appends.</summary>
/// <remarks>
/// A group goes <see cref="AppendAtOnce">at once</see>; what is left of it goes <see cref="AppendLocked">under locks</see>, where a refusal
/// is its batch's own answer. When the server refuses that transaction before its commit, nothing of it happened: its batches are made one
/// by one, so that a bad one fails alone. When a commit itself fails, nobody knows; all that were in it say so and each session reads back.
/// </remarks>
internal sealed class AppendWriter(Database database, NodeCache cache, PostgresStoreOptions options)
    : GroupCommit<RunBatch, AppendResult>(database, options.Writers, options.MaxGroup)
{
    /// <summary>How many parts a budget without a ceiling may have: writers at
    /// work at the same time that never wait for each other there.</summary>
    public const int Parts = 64;

    private readonly int?[] _parts = new int?[options.Writers];

    protected override RunId RunOf(RunBatch work) => work.Lease.Run;

    protected override async Task<object[]> CommitAsync(IReadOnlyList<RunBatch> group, int loop)
    {
        int part = _parts[loop] ??= await TakePartAsync();
        object?[] answers = await AppendAtOnce.TryAsync(Database, cache, group, part, options.Limits.InlinePayload);
        int[] left = [.. Enumerable.Range(0, group.Count).Where(i => answers[i] is null)];
        if (left.Length > 0)
        {
            object[] rest = await CommitLockedAsync([.. left.Select(i => group[i])], part);
            for (int i = 0; i < left.Length; i++)
                answers[left[i]] = rest[i];
        }

        return answers!;
    }

    private async Task<object[]> CommitLockedAsync(IReadOnlyList<RunBatch> group, int part)
    {
        try
        {
            (object[] answers, IReadOnlyList<Accepted> accepted) = await Database.WriteAsync(
                async tx =>
                {
                    AppendLocked append = new(tx, group, part, options.Limits.InlinePayload);
                    return (await append.RunAsync(), append.Accepted);
                },
                CancellationToken.None);
            foreach (Accepted one in accepted)
                cache.Keep(one.Run);
            return answers;
        }
        catch (Exception e)
            when (group.Count > 1 && e is not UnknownCommitException && e is not StoreException { InnerException: not PostgresException })
        {
            List<object> answers = [];
            foreach (RunBatch batch in group)
                answers.AddRange(await CommitLockedAsync([batch], part));
            return [.. answers];
        }
        catch (Exception e)
        {
            return [.. group.Select(_ => e)];
        }
    }

    /// <summary>The number under which a writer counts what it draws on budgets without
    /// a ceiling: another one's than that of the writers that began before it.</summary>
    private ValueTask<int> TakePartAsync() =>
        Database.ReadAsync(
            tx => tx.FirstAsync($"SELECT (nextval('steward.writer') % {Parts})::integer", static r => r.GetInt32(0)),
            CancellationToken.None);
}
